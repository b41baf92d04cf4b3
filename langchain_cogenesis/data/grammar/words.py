"""Word lists of the grammar: what people do, own, arrange and owe."""

from __future__ import annotations

OCCUPATIONS: tuple[str, ...] = (
    "ceramics teacher", "nurse", "engineer", "baker", "bookseller", "music teacher", "plumber",
    "graphic designer", "accountant", "librarian", "veterinary assistant", "architect", "gardener",
    "tour guide", "data analyst", "physiotherapist", "carpenter", "journalist", "bus driver",
    "chef", "lawyer", "pharmacist", "project manager", "school principal", "photographer",
    "electrician", "translator", "researcher", "social worker", "dentist", "shop assistant",
    "illustrator", "yoga instructor", "software developer", "midwife", "optician", "art teacher",
)  # fmt: skip

PERSONAL_RELATIONS: tuple[str, ...] = (
    "friend", "sister", "brother", "mother", "father", "cousin", "neighbour", "aunt", "uncle",
    "old classmate", "flatmate", "niece", "nephew", "godmother", "best friend",
)  # fmt: skip
WORK_RELATIONS: tuple[str, ...] = (
    "manager", "colleague", "client", "teacher", "landlord", "supplier", "assistant", "mentor",
    "coach", "doctor", "business partner", "team lead", "customer", "intern",
)  # fmt: skip

TRAITS: tuple[str, ...] = (
    "patient", "curious", "punctual", "funny", "calm", "generous", "tidy", "direct", "shy",
    "cheerful", "stubborn", "thoughtful", "practical", "impatient", "warm",
)  # fmt: skip

LOST: tuple[str, ...] = (
    "grandmother", "grandfather", "father", "mother", "uncle", "aunt", "old teacher", "best friend",
    "brother", "sister", "neighbour", "godfather", "cousin", "wife", "husband", "mentor",
)  # fmt: skip

MEMORIES: tuple[str, ...] = (
    "taught us to bake bread", "always had time for a chat", "could laugh until the tears came",
    "knew every bird by its song", "kept the door open for everyone", "told the best stories",
    "showed me how to fish", "grew the sweetest pears", "played the accordion at every feast",
    "never forgot a birthday", "mended my first bicycle", "wrote me long letters from the sea",
    "lent me books that I still love", "danced at every wedding", "made the finest plum jam",
    "stood by me in a hard year", "sang in the kitchen in the morning", "beat us all at cards",
)  # fmt: skip

ILLNESSES: tuple[str, ...] = (
    "a broken leg", "a bad flu", "a sprained ankle", "pneumonia", "a slipped disc", "a high fever",
    "a broken wrist", "an ear infection",
    "a knee operation", "a stomach bug", "a broken collarbone",
    "an eye operation", "a bad cough", "a torn ligament", "shingles", "a kidney stone",
)  # fmt: skip

ASKED: tuple[tuple[str, str], ...] = (
    ("lend me the tent", "lend you the tent"),
    ("help me with the move", "help you with the move"),
    ("look at my bicycle", "look at your bicycle"),
    ("teach me the recipe", "teach you the recipe"),
    ("read my report", "read your report"),
    ("show me the garden", "show you the garden"),
    ("drive me to the station", "drive you to the station"),
    ("cut my hair", "cut your hair"),
    ("practise the song with me", "practise the song with you"),
    ("give me a hand with the shelves", "give you a hand with the shelves"),
    ("take my photo", "take your photo"),
    ("explain the new system to me", "explain the new system to you"),
    ("bring me the old chairs", "bring you the old chairs"),
    ("fix my laptop", "fix your laptop"),
    ("hang my pictures", "hang your pictures"),
    ("try my soup", "try your soup"),
    ("go to the doctor with me", "go to the doctor with you"),
    ("help me choose a suit", "help you choose a suit"),
)

BOOKINGS: tuple[str, ...] = (
    "table for two", "table for four", "table for six", "double room", "single room", "guided tour",
    "tennis court", "meeting room", "boat trip", "massage", "cooking class", "hall for the party",
    "family room", "sauna evening", "riding lesson", "window table", "workshop for ten", "haircut",
)  # fmt: skip

DISHES: tuple[str, ...] = (
    "fish soup", "mushroom pie", "lamb stew", "plum cake", "pumpkin risotto", "lentil curry",
    "onion tart", "grilled trout", "noodle soup", "apple pancakes", "chicken pie", "bean salad",
    "walnut bread", "cheese dumplings", "lemon cake", "roast duck", "beetroot soup", "fig tart",
)  # fmt: skip

MERITS: tuple[str, ...] = (
    "designed our posters", "repaired our roof", "translated our contracts", "rebuilt our website",
    "trained our new people", "kept our books", "planned our summer fair", "wrote our handbook",
    "painted our waiting room", "organised our archive", "photographed our catalogue",
    "looked after our garden", "set up our computers", "ran our reading group",
    "cooked for our staff", "led our night shift", "tuned our pianos", "drew our maps",
)  # fmt: skip

FILES: tuple[str, ...] = (
    "the blue folder on the shelf", "the shared drive under plans", "the box next to my desk",
    "the top drawer", "the cupboard by the window", "the red binder in the office",
    "the folder called final", "the cabinet on the second floor", "the archive downstairs",
    "the green folder behind my chair", "the grey box in the hall", "the drawer with the stamps",
)  # fmt: skip

NEXT_STEPS: tuple[str, ...] = (
    "send the final offer", "order the material", "book the hall", "check the budget",
    "write the last chapter", "call the printer", "test the new version", "sign the contract",
    "visit the site", "collect the feedback", "choose the colours", "hire two more people",
    "order the signs", "prepare the slides", "update the price list", "measure the rooms",
)  # fmt: skip

PROBLEMS: tuple[str, ...] = (
    "the printer is broken", "two people are ill",
    "the material came late", "the permit is missing",
    "the software crashes twice a day",
    "the supplier has raised the prices", "the room is too small",
    "the tests take too long", "the plans had a mistake", "nobody answers the phone there",
    "the paint does not dry", "the old data is incomplete", "the lift is out of order",
    "the weather stopped us for a week", "the samples were lost", "one machine is too slow",
)  # fmt: skip

OPINIONS: tuple[tuple[str, str], ...] = (
    ("remote work", "it gives people time to think"),
    ("school uniforms", "they hide more than they help"),
    ("short meetings", "nobody listens after twenty minutes"),
    ("slow food", "a meal is worth an hour"),
    ("night trains", "they are the kindest way to travel"),
    ("open offices", "they make quiet people invisible"),
    ("handwritten letters", "they are read more than once"),
    ("public libraries", "they are the living rooms of a town"),
    ("homework", "children learn more by playing"),
    ("city bicycles", "they belong on every street"),
    ("repair cafés", "they save more than money"),
    ("early mornings", "the best ideas come before breakfast"),
    ("the four-day week", "rested people make fewer mistakes"),
    ("paper maps", "getting lost is part of the trip"),
    ("small shops", "they keep a street alive"),
    ("learning an instrument late", "it is never too late to begin"),
    ("community gardens", "neighbours become friends there"),
    ("phone-free evenings", "we talk more and sleep better"),
)

MOTTOS: tuple[str, ...] = (
    "one step at a time", "slow is smooth", "tea first", "less is more", "stay curious",
    "make it simple", "every day a page",
    "rain is only water", "begin anyway", "keep the door open",
    "small hands, big plans", "measure twice", "bread before words", "leave it better", "ask again",
    "the long way is the good way", "do it with love", "no hurry, no pause", "look up more often",
)  # fmt: skip
EMOJI: tuple[str, ...] = (
    "🌊", "☕", "🌻", "🎷", "🍋", "🐝", "✨", "🎉", "🙂", "🌿", "🚲", "📚", "🍞", "🐈", "🎨", "⛵",
    "🌙", "🔥", "💙", "🙏", "🏔", "🎻", "🍀", "😊",
)  # fmt: skip

EVENT_ADJECTIVES: tuple[str, ...] = (
    "spring", "summer", "autumn", "winter", "jazz", "poetry", "pottery", "chess", "charity", "wine",
    "bread", "film", "garden", "studio", "harbour", "birthday", "farewell", "family", "planning",
    "glaze", "team", "budget", "reading", "school", "choir", "photo", "street", "opening", "dance",
    "science", "history", "cooking", "painting", "book", "ceramics", "house", "annual",
    "anniversary",
)  # fmt: skip
EVENT_NOUNS: tuple[str, ...] = (
    "party", "dinner", "evening", "workshop", "concert", "market", "exhibition", "lunch", "picnic",
    "meeting", "walk", "night", "breakfast", "fair", "festival", "class", "tasting", "reception",
    "review", "rehearsal", "talk", "tour", "show",
)  # fmt: skip
PLAIN_EVENTS: tuple[str, ...] = (
    "dinner", "picnic", "barbecue", "brunch", "housewarming", "concert", "hike", "rehearsal",
    "open day", "game night", "exhibition", "workshop", "lunch", "party", "tea", "reunion",
)  # fmt: skip

DEEDS: tuple[tuple[str, str], ...] = (
    ("lent me the ladder", "lending me the ladder"),
    ("drove me to the airport", "driving me to the airport"),
    ("brought me soup when I was ill", "bringing me soup when I was ill"),
    ("repaired my bicycle", "repairing my bicycle"),
    ("looked after the cat", "looking after the cat"),
    ("helped me move house", "helping me move house"),
    ("gave me a book about the sea", "giving me a book about the sea"),
    ("painted the kitchen with me", "painting the kitchen with me"),
    ("watered my plants", "watering my plants"),
    ("wrote me a reference", "writing me a reference"),
    ("fixed my computer", "fixing my computer"),
    ("listened to my troubles", "listening to my troubles"),
    ("carried the boxes upstairs", "carrying the boxes upstairs"),
    ("taught me to swim", "teaching me to swim"),
    ("sent me flowers", "sending me flowers"),
    ("took my shift", "taking my shift"),
    ("baked a cake for my birthday", "baking a cake for my birthday"),
    ("checked my report", "checking my report"),
)

FEATS: tuple[tuple[str, str], ...] = (
    ("passed the driving test", "passing the driving test"),
    ("got a new job", "getting a new job"),
    ("ran a marathon", "running a marathon"),
    ("finished the degree", "finishing the degree"),
    ("won the chess cup", "winning the chess cup"),
    ("opened a shop", "opening a shop"),
    ("bought a house", "buying a house"),
    ("published a book", "publishing a book"),
    ("got married", "getting married"),
    ("became head of the department", "becoming head of the department"),
    ("won the baking contest", "winning the baking contest"),
    ("sold the first painting", "selling the first painting"),
    ("retired after thirty years", "retiring after thirty years"),
    ("recorded an album", "recording an album"),
)

CHORES: tuple[str, ...] = (
    "water my plants", "feed the cat", "walk the dog", "empty my letter box", "take in a parcel",
    "look after the hens", "watch the house", "feed the fish", "open the studio in the morning",
    "take over my class", "air the rooms", "pick up my mail", "mow the lawn", "keep my spare key",
)  # fmt: skip

REASONS: tuple[str, ...] = (
    "the train broke down", "I had a fever", "I mixed up the dates", "my car did not start",
    "I was stuck at work", "I fell asleep", "my phone was dead", "I had to take the cat to the vet",
    "the bus never came", "I wrote down the wrong week", "my son was ill", "I lost my keys",
)  # fmt: skip

FAULTS: tuple[str, ...] = (
    "the lid does not close", "it does not turn on", "one leg is broken", "the colour is wrong",
    "a part is missing", "it smells of smoke", "the zip is stuck", "it makes a loud noise",
    "the battery is empty after an hour", "it arrived with a crack", "the handle came off",
    "the screen stays black", "it leaks", "it is the wrong size",
)  # fmt: skip

HOBBIES: tuple[str, ...] = (
    "beekeeping", "climbing", "bird watching", "knitting", "sailing", "baking bread", "chess",
    "pottery", "running", "playing the cello", "painting", "wild swimming", "carving wood",
    "growing tomatoes", "astronomy", "cycling", "singing in a choir", "mending clocks",
)  # fmt: skip

TRAVELS: tuple[str, ...] = (
    "train to {town}", "flight to {town}", "hotel {venue} in {town}", "ferry ticket to {town}",
    "weekend in {town}", "visa for the trip to {town}", "night bus to {town}",
)  # fmt: skip
HEALTH: tuple[str, ...] = (
    "dentist, check-up", "blood test at {firm}", "physiotherapy for the shoulder", "new glasses",
    "vaccination", "pills against hay fever", "eye test at {firm}", "stopped eating sugar",
)  # fmt: skip
MONEY: tuple[str, ...] = (
    "rent paid to {firm}", "lent {given} twenty euros", "tax refund arrived", "gym membership",
    "donation to the {town} shelter", "electricity bill from {firm}", "salary from {firm}",
)  # fmt: skip

FACTS: tuple[str, ...] = (
    "is allergic to nuts", "speaks three languages", "has a cat called {given}",
    "grew up in {town}", "drives an old van", "plays the cello", "has two children",
    "moved house last year", "is afraid of flying", "collects stamps", "is training for a marathon",
    "bank account at {firm}", "studied in {town}", "does not eat meat", "has a bad knee",
    "member of the {firm} club", "takes the night train often", "is the eldest of four",
)  # fmt: skip

NOTES: tuple[str, ...] = (
    "call the dentist", "buy milk and stamps", "the key is with {given}",
    "ask {given} about the car",
    "gift idea for {given}: a scarf", "pay the rent", "new shoes for the trip to {town}",
    "return the books", "the code for the door has changed", "book a table at {venue}",
)  # fmt: skip

MESSAGES: tuple[str, ...] = (
    "see you soon", "can you send me the photos", "are you free next week", "the parcel is here",
    "thanks for the soup", "I found your scarf", "the car is ready", "did you see the news",
    "please call me back", "the meeting was long", "I am in {town} now", "how is the new place",
)  # fmt: skip

GREETINGS: dict[str, tuple[str, ...]] = {
    "casual": ("Hi", "Hey", "Hello", "Hiya", "Hi there"),
    "plain": ("Hello", "Hi", "Dear", "Good morning"),
    "formal": ("Dear", "Good day", "Good morning", "Good evening"),
}
CLOSINGS: dict[str, tuple[str, ...]] = {
    "casual": ("Hugs", "Cheers", "Love", "See you", "Take care", "Ciao", "Big hug", "Talk soon"),
    "plain": ("Best wishes", "Best", "All the best", "Warmly", "Kind regards", "Many thanks"),
    "formal": ("Kind regards", "Sincerely", "Yours sincerely", "Respectfully", "With best regards"),
}
"""Openings and closings by register; the first of each is used where no style is known."""

REGISTER_WISHES: dict[str, tuple[str, ...]] = {
    "casual": ("Keep it casual.", "Make it relaxed.", "Write it like a friend would."),
    "plain": ("Keep it friendly.", "Make it warm.", "Keep it simple."),
    "formal": ("Keep it formal.", "Make it polite.", "Use a formal tone."),
}
SHORT_WISHES: tuple[str, ...] = ("Keep it short.", "A few lines will do.", "Make it brief.")
LONG_WISHES: tuple[str, ...] = ("Give all the details.", "Make it a full letter.", "Be thorough.")


def with_article(job: str) -> str:
    """`a baker`, `an engineer`."""
    return f"{'an' if job[:1] in 'aeiou' else 'a'} {job}"

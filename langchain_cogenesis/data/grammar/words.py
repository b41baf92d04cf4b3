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

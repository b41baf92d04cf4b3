"""The task: follow an instruction in a user's voice, from the user's private context."""

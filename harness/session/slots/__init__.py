"""The processes of a session: slots of both sides alive together, what they are told and asked, and what a block of them is."""

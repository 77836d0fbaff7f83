"""The JSON documents of the commands, as types: the published schemas are made from them."""

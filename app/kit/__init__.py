"""Small tools without business meaning. Imports nothing of ours."""

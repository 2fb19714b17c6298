"""The face: live, playback and facts over HTTP."""

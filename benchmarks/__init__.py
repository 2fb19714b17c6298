"""Programs with a name and a number: each measures one thing and prints what it found."""

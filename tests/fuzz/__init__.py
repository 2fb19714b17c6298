"""Any bytes into every parser: nothing but the documented errors may come out."""

"""Good cameras beside ones that misbehave at random, on disks, a clock and a web server that are disturbed as well."""

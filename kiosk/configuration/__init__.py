"""Configuration from the hall: fetched and verified, looked at as a whole, put into service between visits, watched."""

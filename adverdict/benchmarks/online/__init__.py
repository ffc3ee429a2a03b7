"""The service under load, beside what a user would pick instead."""

"""The addresses of the service, a file a subject: what each is asked, and what it answers."""

"""What a worker of the service holds and does between a request and its answer."""

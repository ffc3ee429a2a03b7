"""HTTP: addresses, bodies, errors, the OpenAPI document."""

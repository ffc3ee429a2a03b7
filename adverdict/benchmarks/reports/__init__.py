"""What reports of viewers are worth: new kinds noticed earlier, and a flood of false ones that moves nothing that measures. Simulated."""

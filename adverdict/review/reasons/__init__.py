"""What an advertiser and the public are told of decisions."""

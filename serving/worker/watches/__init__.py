"""What a worker looks at every so often beside deciding: certificates, roll-outs, alarms, copies, pictures, whom to tell, its record."""

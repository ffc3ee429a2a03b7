"""What holds as of an entry of the chain: policies, roll-outs, brakes, certificates, alarms."""

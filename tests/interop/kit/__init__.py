"""What the cases and the runner share: installs, servers, claims, the load, and the journal of what was delivered.

The runner uses `install` and `servers` and needs nothing but Python's standard library. The cases, which run in the
environments that were installed for them, use the others.
"""

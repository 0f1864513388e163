#!/bin/sh
# Every clause and property on the reference itself: what the clauses say is what the reference says.
exec "$1" check --system=reference

"""A byte cache in a dictionary that can be made to fail, and says what was asked of it and announced."""

from targets.asset_core.errors import StoreError


class Shelf:
    """What Redis is to the core, as far as it matters to what lies above."""

    def __init__(self):
        self.values, self.ttls, self.announced = {}, {}, []
        self.failing, self.calls = False, 0

    def get(self, key, scope):
        self._check()
        return self.values.get(key)

    def put(self, key, value, ttl_s, scope):
        self._check()
        self.values[key], self.ttls[key] = value, ttl_s

    def remove(self, keys, scope):
        self._check()
        for key in keys:
            self.values.pop(key, None)

    def announce(self, keys, scope):
        self.remove(keys, scope)
        self.announced += keys

    def _check(self):
        self.calls += 1
        if self.failing:
            raise StoreError("down", where="redis")

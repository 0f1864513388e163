// Dice: where random programs, workloads and schedules get their choices from.
#ifndef IPCSPEC_IMPL_CALL_DICE_H_
#define IPCSPEC_IMPL_CALL_DICE_H_

#include <cstdint>
#include <initializer_list>

namespace ipcspec {

// A seeded source of choices (xorshift64*); the same on every machine.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_((seed * 2 + 0x9E3779B97F4A7C15u) | 1) {}
  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Du >> 8;
  }
  // A number of [0, n). REQUIRES: n > 0.
  int64_t Below(int64_t n) { return static_cast<int64_t>(Next() % static_cast<uint64_t>(n)); }
  bool Percent(int percent) { return Below(100) < percent; }
  template <class T>
  T Of(std::initializer_list<T> list) {
    return list.begin()[Below(static_cast<int64_t>(list.size()))];
  }

 private:
  uint64_t state_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_DICE_H_

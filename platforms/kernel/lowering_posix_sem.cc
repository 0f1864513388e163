// POSIX semaphores: libc's functions, which the agent calls (posix_sem_agent.h).
#include <ctime>

#include "platforms/kernel/lowering_parts.h"
#include "platforms/kernel/posix_sem_agent.h"

namespace ipcspec {
namespace {

template <class C>
void Lower(PosixSemOp op, const C& c, Request& r) {
  r.Op(op), r.Int(0, c.address.value + c.offset);
}

}  // namespace

void Lower(const PsemInit& c, const LoweringContext&, Request& r) {
  Lower(kPsemInit, c, r), r.Int(1, c.shared), r.Int(2, c.value);
}
void Lower(const PsemDestroy& c, const LoweringContext&, Request& r) { Lower(kPsemDestroy, c, r); }
void Lower(const PsemOpen& c, const LoweringContext&, Request& r) {
  r.Op(kPsemOpen), r.Text(0, c.name), r.Int(1, c.flags.bits), r.Int(2, c.mode.bits);
  r.Int(3, c.value);
}
void Lower(const PsemClose& c, const LoweringContext&, Request& r) {
  r.Op(kPsemClose), r.Int(0, c.address.value);
}
void Lower(const PsemUnlink& c, const LoweringContext&, Request& r) {
  r.Op(kPsemUnlink), r.Text(0, c.name);
}
void Lower(const PsemPost& c, const LoweringContext&, Request& r) { Lower(kPsemPost, c, r); }
void Lower(const PsemTryWait& c, const LoweringContext&, Request& r) { Lower(kPsemTryWait, c, r); }
void Lower(const PsemWait& c, const LoweringContext&, Request& r) {
  constexpr clockid_t kNoClock = 9999;
  if (c.timeout.ns == Nanos::kForever && !c.bad_time) return Lower(kPsemWait, c, r);
  const clockid_t clock = c.clock == Clock::kMonotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
  Lower(c.clock == Clock::kDefault ? kPsemTimedWait : kPsemClockWait, c, r);
  r.Deadline(1, c.timeout, clock, c.bad_time), r.Int(2, c.clock == Clock::kBad ? kNoClock : clock);
}
void Lower(const PsemGetValue& c, const LoweringContext&, Request& r) {
  Lower(kPsemGetValue, c, r), r.Area(1, sizeof(int));
}

void Decode(const PsemGetValue&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  out.values = {At<int>(answer)};
}

}  // namespace ipcspec

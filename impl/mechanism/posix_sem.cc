#include "impl/mechanism/posix_sem.h"

namespace ipcspec {

Result PosixSem::Post() {
  if (value == kMaxValue) return Fail(EOVERFLOW);
  ++value;
  return Done(0);
}

Result PosixSem::TryWait() {
  if (value == 0) return Fail(EAGAIN);
  --value;
  return Done(0);
}

Result PosixSem::Wait(const PsemWait& call, bool contended, const Caller& caller, Choice& choice) {
  const bool malformed = HasDeadline(call) && (call.bad_time || call.clock == Clock::kBad);
  // Whether anybody looks at the deadline when there is no need to wait is left open (POSIX).
  if (malformed && (value == 0 || !choice.MayGoOn(false))) return Fail(EINVAL);
  if (value > 0) {
    // A post wakes one of the waiters, and leaves the value to whoever comes first. Another may
    // give up meanwhile: so does glibc, though POSIX.1-2024 sem_post() has the post choose who goes
    // on.
    const bool signalled = caller.interrupted || caller.may_be_interrupted;
    if (contended && signalled && choice.SawError(EINTR)) return Fail(EINTR);
    if (contended && choice.SawError(ETIMEDOUT) &&
        TimeIsUp(call.timeout, ETIMEDOUT, caller, choice)) {
      return Fail(ETIMEDOUT);
    }
    return TryWait();  // however late it is
  }

  if (TimeIsUp(call.timeout, ETIMEDOUT, caller, choice)) return Fail(ETIMEDOUT);
  // signal(7) has sem_timedwait restarted after a handler with SA_RESTART; Linux does not.
  if (caller.may_be_interrupted &&
      (choice.SawError(EINTR) || choice.mode() == Choice::Mode::kUsual)) {
    return Fail(EINTR);
  }
  return SleepOrInterrupted(caller);
}

Result PosixSem::GetValue() const {
  Outcome outcome = Returns(0);
  outcome.values = {value};
  return Done(std::move(outcome));
}

int64_t OpenSemaphores::Find(std::string_view name, int object) const {
  for (const auto& [address, open] : open_) {
    if (open.object == object && open.name == name) return address;
  }
  return -1;
}

const OpenSemaphores::Open* OpenSemaphores::At(int64_t address) const {
  const auto it = open_.find(address);
  return it == open_.end() ? nullptr : &it->second;
}

void OpenSemaphores::Add(int64_t address, std::string_view name, int object) {
  open_[address] = {.name = std::string(name), .object = object};
}

bool OpenSemaphores::Close(int64_t address) {
  const auto it = open_.find(address);
  if (--it->second.times > 0) return false;
  open_.erase(it);
  return true;
}

}  // namespace ipcspec

// Tasks and signals, as system calls.
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "platforms/kernel/lowering_parts.h"

namespace ipcspec {

void Lower(const Fork&, const LoweringContext& context, Request& r) {
  r.Op(kClone), r.Int(0, 0), r.Int(1, context.child_slot);
}
void Lower(const Clone& c, const LoweringContext& context, Request& r) {
  r.Op(kClone), r.Int(0, c.flags.bits), r.Int(1, context.child_slot);
}
void Lower(const Exec&, const LoweringContext& context, Request& r) {
  r.Op(kExec), r.Int(0, context.own_slot), r.Text(1, context.memory_path);
}
void Lower(const Exit& c, const LoweringContext&, Request& r) {
  r.Op(SYS_exit_group), r.Int(0, c.status);
}
void Lower(const Kill& c, const LoweringContext& context, Request& r) {
  const int64_t pid = context.pid_of(c.target.value);
  // A task that there never was: a process that there cannot be.
  r.Op(SYS_kill), r.Int(0, pid > 0 ? pid : 0x3fffffff), r.Int(1, c.signal.number);
}
void Lower(const Wait& c, const LoweringContext& context, Request& r) {
  const int64_t pid = context.pid_of(c.target.value);
  r.Op(SYS_wait4), r.Int(0, pid > 0 ? pid : 0x3fffffff), r.Area(1, sizeof(int));
  r.Int(2, c.options.bits);
}
void Lower(const Sigaction& c, const LoweringContext&, Request& r) {
  r.Op(kSigaction), r.Int(0, c.signal.number), r.Int(1, static_cast<int64_t>(c.disposition));
}
void Lower(const Sigprocmask& c, const LoweringContext&, Request& r) {
  // The kernel takes a set, in which there are no others; sigaddset(3) refuses them.
  if (c.signal.number < 1 || c.signal.number > 64) return r.Op(kRefuse), r.Int(0, EINVAL);
  r.Op(SYS_rt_sigprocmask);
  r.Int(0, c.how == MaskChange::kBlock ? SIG_BLOCK : SIG_UNBLOCK);
  const uint64_t mask = uint64_t{1} << (c.signal.number - 1);
  std::memcpy(r.Area(1, sizeof mask), &mask, sizeof mask);
  r.Int(3, sizeof mask);
}
void Lower(const Sigpending&, const LoweringContext&, Request& r) {
  r.Op(SYS_rt_sigpending), r.Area(0, sizeof(uint64_t)), r.Int(1, sizeof(uint64_t));
}
void Lower(const SetCredentials& c, const LoweringContext&, Request& r) {
  r.Op(kSetCredentials), r.Int(0, c.uid), r.Int(1, c.gid);
}
void Lower(const LimitDescriptors& c, const LoweringContext&, Request& r) {
  r.Op(kLimitDescriptors), r.Int(0, c.count);
}
void Lower(const Umask& c, const LoweringContext&, Request& r) {
  r.Op(SYS_umask), r.Int(0, c.mask.bits);
}
void Lower(const Await&, const LoweringContext&, Request& r) { r.Op(kPing); }

void Decode(const Fork&, const LoweringContext& context, const RawAnswer&, Outcome& out) {
  DecodeTask(context, out);
}
void Decode(const Clone&, const LoweringContext& context, const RawAnswer&, Outcome& out) {
  DecodeTask(context, out);
}
void Decode(const Wait&, const LoweringContext& context, const RawAnswer& answer, Outcome& out) {
  if (out.ret == 0) return;  // WNOHANG, and nothing yet
  DecodeTask(context, out);
  out.values = {At<int>(answer)};
}
void Decode(const Sigpending&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  const uint64_t pending = At<uint64_t>(answer);
  out.ret = 0;
  for (int signal = 1; signal <= 64; ++signal) {
    if ((pending >> (signal - 1) & 1) != 0) out.values.push_back(signal);
  }
}
void Lower(const SignalInfo&, const LoweringContext&, Request& r) {
  r.Op(kSignalInfo), r.Area(0, sizeof(LastSignal));
}
void Decode(const SignalInfo&, const LoweringContext& context, const RawAnswer& answer,
            Outcome& out) {
  const auto last = At<LastSignal>(answer);
  out.values = {last.signal, last.code, context.task_of(last.pid), last.uid, last.value};
}

}  // namespace ipcspec

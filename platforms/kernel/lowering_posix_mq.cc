// POSIX message queues, as system calls. libc's part is done here: a name begins with a slash,
// which the kernel does not see (mq_overview(7)).
#include <mqueue.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "impl/call/cat.h"
#include "platforms/kernel/lowering_parts.h"

namespace ipcspec {
namespace {

void DecodeAttributes(const RawAnswer& answer, Outcome& out) {
  const auto attributes = At<mq_attr>(answer);
  out.values = {attributes.mq_flags, attributes.mq_maxmsg, attributes.mq_msgsize,
                attributes.mq_curmsgs};
}

// Whether the name is one that libc hands on; else the call is refused.
bool NameIsRooted(const std::string& name, Request& r) {
  if (name.starts_with('/')) return true;
  r.Op(kRefuse), r.Int(0, EINVAL);
  return false;
}

}  // namespace

void Lower(const MqOpen& c, const LoweringContext&, Request& r) {
  if (!NameIsRooted(c.name, r)) return;
  r.Op(SYS_mq_open), r.Text(0, c.name.substr(1)), r.Int(1, c.flags.bits), r.Int(2, c.mode.bits);
  if (c.maxmsg == 0 && c.msgsize == 0) return;
  mq_attr attributes = {};
  attributes.mq_maxmsg = c.maxmsg;
  attributes.mq_msgsize = c.msgsize;
  Put(r.Area(3, sizeof attributes), attributes);
}
void Lower(const MqUnlink& c, const LoweringContext&, Request& r) {
  if (NameIsRooted(c.name, r)) r.Op(SYS_mq_unlink), r.Text(0, c.name.substr(1));
}
void Lower(const MqSend& c, const LoweringContext&, Request& r) {
  r.Op(SYS_mq_timedsend), r.Int(0, c.fd.value), r.Text(1, c.data.text);
  r.Int(2, static_cast<int64_t>(c.data.text.size())), r.Int(3, c.priority);
  if (c.bad_time || c.timeout.ns != Nanos::kForever) {
    r.Deadline(4, c.timeout, CLOCK_REALTIME, c.bad_time);
  }
}
void Lower(const MqReceive& c, const LoweringContext&, Request& r) {
  r.Op(SYS_mq_timedreceive), r.Int(0, c.fd.value), r.Int(2, c.size);
  r.Area(3, sizeof(unsigned));  // first: Decode finds it at the beginning
  r.Area(1, static_cast<size_t>(std::clamp<int64_t>(c.size, 0, 128 << 10)));
  if (c.bad_time || c.timeout.ns != Nanos::kForever) {
    r.Deadline(4, c.timeout, CLOCK_REALTIME, c.bad_time);
  }
}
void Lower(const MqGetattr& c, const LoweringContext&, Request& r) {
  r.Op(SYS_mq_getsetattr), r.Int(0, c.fd.value), r.Area(2, sizeof(mq_attr));
}
void Lower(const MqSetattr& c, const LoweringContext&, Request& r) {
  r.Op(SYS_mq_getsetattr), r.Int(0, c.fd.value), r.Area(2, sizeof(mq_attr));
  mq_attr attributes = {};
  attributes.mq_flags = c.flags.bits;
  attributes.mq_maxmsg = c.maxmsg;
  attributes.mq_msgsize = c.msgsize;
  Put(r.Area(1, sizeof attributes), attributes);
}
void Lower(const MqNotify& c, const LoweringContext&, Request& r) {
  if (c.how == Notify::kThread) return r.Op(kMqNotifyThread), r.Int(0, c.fd.value);
  r.Op(SYS_mq_notify), r.Int(0, c.fd.value);
  if (c.how == Notify::kRemove) return;  // no structure
  sigevent event = {};
  event.sigev_notify = c.how == Notify::kNone     ? SIGEV_NONE
                       : c.how == Notify::kSignal ? SIGEV_SIGNAL
                                                  : 77;
  event.sigev_signo = c.signal.number;
  event.sigev_value.sival_int = static_cast<int>(c.value);
  Put(r.Area(1, sizeof event), event);
}
void Lower(const MqNotices&, const LoweringContext&, Request& r) {
  r.Op(kMqNotices), r.Area(0, 256), r.Int(1, 256);
}
void Lower(const MqFile& c, const LoweringContext&, Request& r) {
  if (!NameIsRooted(c.name, r)) return;
  r.Op(kReadFile), r.Area(0, 512), r.Int(1, 511), r.Text(2, Cat("/dev/mqueue", c.name));
}
void Lower(const LimitQueueBytes& c, const LoweringContext&, Request& r) {
  r.Op(kLimit), r.Int(0, RLIMIT_MSGQUEUE), r.Int(1, c.bytes);
}

void Decode(const MqReceive&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  out.values = {At<unsigned>(answer)};
  constexpr size_t kDataAt = 16;  // the area after that of the priority
  out.data.assign(answer.buffer + kDataAt, static_cast<size_t>(out.ret));
}
void Decode(const MqGetattr&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  DecodeAttributes(answer, out);
}
void Decode(const MqSetattr&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  DecodeAttributes(answer, out);
}
void Decode(const MqNotices&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  for (int64_t i = 0; i < out.ret; ++i) {
    out.values.push_back(answer.buffer[static_cast<size_t>(i)]);
  }
  out.ret = 0;
}
void Decode(const MqFile&, const LoweringContext& context, const RawAnswer& answer, Outcome& out) {
  long long size = -1, notify = -1, signal = -1, pid = -1;
  const std::string text(answer.buffer, static_cast<size_t>(out.ret));
  std::sscanf(text.c_str(), "QSIZE:%lld NOTIFY:%lld SIGNO:%lld NOTIFY_PID:%lld", &size, &notify,
              &signal, &pid);
  out.ret = 0;
  out.values = {size, notify, signal, context.task_of(pid)};
}

}  // namespace ipcspec

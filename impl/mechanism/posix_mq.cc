// Queues as named things: mq_open, mq_unlink, limits. Messages are in posix_mq_messages.cc.
#include "impl/mechanism/posix_mq.h"

#include <fcntl.h>

#include <algorithm>

namespace ipcspec {
namespace {

constexpr int64_t kReceive = 4, kSend = 2;

// getrlimit(2): beside its data a message is charged for a struct msg_msg and, up to as many as
// there are priorities, a struct posix_msg_tree_node. Both have 48 bytes on 64-bit machines.
constexpr int64_t kUsualStructure = 48;
constexpr int64_t kLeastOverhead = 8, kMostOverhead = 256;  // a message

// What is wrong with the name, whatever there is.
void NameErrors(std::string_view name, const Choice& choice, Errors* errors) {
  if (name.empty() || name[0] != '/') {
    errors->If(true, EINVAL);
    return;
  }
  const std::string_view rest = name.substr(1);
  errors->If(rest.empty(), ENOENT);
  const bool slashes = rest.find('/') != std::string_view::npos;
  errors->If(slashes, EACCES);
  // mq_open(3): also what any other form gives.
  errors->If(rest.empty() || slashes, EINVAL);
  // mq_overview(7) counts the slash in, Linux does not.
  const auto length = static_cast<int64_t>(rest.size());
  errors->If(length > PosixMq::kLongestName ||
                 (length == PosixMq::kLongestName && choice.SawError(ENAMETOOLONG)),
             ENAMETOOLONG);
  // Good names by mq_overview(7), that file systems cannot give to a file.
  const bool special = rest == "." || rest == "..";
  errors->If(special, EACCES);
  errors->If(special, EINVAL);
}

bool HasSizes(const MqOpen& call) { return call.maxmsg != 0 || call.msgsize != 0; }

// Whether the attributes of a new queue are out of range.
bool BadSizes(const MqOpen& call, const Caller& caller) {
  if (!HasSizes(call)) return false;
  const bool privileged = caller.Can(Capability::kSysResource);
  const int64_t maxmsg = privileged ? PosixMq::kHardMaxmsg : caller.limits->Get(Limit::kMqMsgMax);
  const int64_t msgsize =
      privileged ? PosixMq::kHardMsgsize : caller.limits->Get(Limit::kMqMsgsizeMax);
  return call.maxmsg <= 0 || call.msgsize <= 0 || call.maxmsg > maxmsg || call.msgsize > msgsize;
}

int64_t MaxmsgOf(const MqOpen& call, const IpcLimits& limits) {
  if (HasSizes(call)) return call.maxmsg;
  return std::min(limits.Get(Limit::kMqMsgDefault), limits.Get(Limit::kMqMsgMax));
}

int64_t MsgsizeOf(const MqOpen& call, const IpcLimits& limits) {
  if (HasSizes(call)) return call.msgsize;
  return std::min(limits.Get(Limit::kMqMsgsizeDefault), limits.Get(Limit::kMqMsgsizeMax));
}

}  // namespace

int64_t PosixMq::Queue::Bytes() const {
  int64_t sum = 0;
  for (const Message& message : messages) sum += static_cast<int64_t>(message.data.size());
  return sum;
}

bool PosixMq::Queue::Permits(int64_t want, const Caller& caller) const {
  if (caller.Can(Capability::kDacOverride)) return true;
  const int shift = caller.creds.uid == uid ? 6 : caller.creds.InGroup(gid) ? 3 : 0;
  return (mode >> shift & want) == want;
}

PosixMq::Charge PosixMq::Charge::Of(int64_t maxmsg, int64_t msgsize) {
  const int64_t data = maxmsg * msgsize;
  return {.least = data + maxmsg * kLeastOverhead,
          .usual = data + (maxmsg + std::min(maxmsg, kPriorities)) * kUsualStructure,
          .most = data + maxmsg * kMostOverhead};
}

bool PosixMq::IsPlainName(std::string_view name) {
  return name.size() > 1 && static_cast<int64_t>(name.size()) <= kLongestName && name[0] == '/' &&
         name.find('/', 1) == std::string_view::npos && name != "/." && name != "/..";
}

int PosixMq::FindName(std::string_view name) const {
  if (name.empty()) return -1;
  for (const auto& [number, queue] : queues_) {
    if (queue->name == name) return number;
  }
  return -1;
}

PosixMq::Charge PosixMq::ChargedTo(int64_t uid) const {
  Charge sum;
  for (const auto& [number, queue] : queues_) {
    if (queue->uid == uid) sum.Add(Charge::Of(queue->maxmsg, queue->msgsize));
  }
  return sum;
}

void PosixMq::CreateErrors(const MqOpen& call, const Room& room, const Caller& caller,
                           const Choice& choice, Errors* errors) const {
  const IpcLimits& limits = *caller.limits;
  // Queues that are unlinked and still open are there, but it is not said that they count.
  const int64_t max = limits.Get(Limit::kMqQueuesMax);
  const auto named = std::count_if(queues_.begin(), queues_.end(),
                                   [](const auto& entry) { return !entry.second->name.empty(); });
  const bool count_all = choice.mode() != Choice::Mode::kSeen || choice.SawError(ENOSPC);
  const int64_t count = count_all ? static_cast<int64_t>(queues_.size()) : named;
  errors->If(count >= max && !caller.Can(Capability::kSysResource), ENOSPC);

  const bool bad_sizes = BadSizes(call, caller);
  errors->If(bad_sizes, EINVAL);
  if (bad_sizes) return;
  Charge charge = Charge::Of(MaxmsgOf(call, limits), MsgsizeOf(call, limits));
  charge.Add(room.charged);
  const bool usually = choice.mode() == Choice::Mode::kUsual && charge.usual > room.max_bytes;
  const bool maybe = charge.most > room.max_bytes && choice.SawError(EMFILE);
  errors->If(charge.least > room.max_bytes || maybe || usually, EMFILE);
}

int PosixMq::Create(const MqOpen& call, int64_t umask, const Caller& caller) {
  Queue queue;
  queue.name = call.name;
  queue.uid = caller.creds.uid;
  queue.gid = caller.creds.gid;
  queue.mode = call.mode.bits & 0777 & ~umask;
  queue.maxmsg = MaxmsgOf(call, *caller.limits);
  queue.msgsize = MsgsizeOf(call, *caller.limits);
  return queues_.Add(std::move(queue));
}

Result PosixMq::Open(const MqOpen& call, const Room& room, const Caller& caller, Choice& choice,
                     int* queue) {
  Errors errors;
  NameErrors(call.name, choice, &errors);
  errors.If(!room.descriptor, EMFILE);
  const int64_t access = call.flags.bits & O_ACCMODE;
  const int found = FindName(call.name);
  if (found >= 0) {
    errors.If(call.flags.has(O_CREAT | O_EXCL), EEXIST);
    errors.If(access == O_ACCMODE, EINVAL);
    const int64_t want = (access != O_WRONLY ? kReceive : 0) | (access != O_RDONLY ? kSend : 0);
    errors.If(!Find(found)->Permits(want, caller), EACCES);
    // mq_open(3) minds bad attributes whenever O_CREAT is given; Linux only when it makes a queue.
    errors.If(call.flags.has(O_CREAT) && BadSizes(call, caller) && choice.SawError(EINVAL), EINVAL);
  } else if (!call.flags.has(O_CREAT)) {
    errors.If(true, ENOENT);
  } else {
    errors.If(access == O_ACCMODE && choice.SawError(EINVAL), EINVAL);
    CreateErrors(call, room, caller, choice, &errors);
  }
  errors.If(choice.SawError(ENOMEM), ENOMEM);
  if (errors.any()) return choice.FailWithAny(errors);
  *queue = found >= 0 ? found : Create(call, room.umask, caller);
  ++queues_.Mutable(*queue).opens;
  return Done(0);
}

void PosixMq::Close(int queue) {
  Queue& closed = queues_.Mutable(queue);
  if (--closed.opens == 0 && closed.name.empty()) queues_.Erase(queue);
}

Result PosixMq::Unlink(const MqUnlink& call, const Caller& caller, Choice& choice) {
  Errors errors;
  NameErrors(call.name, choice, &errors);
  const int found = FindName(call.name);
  errors.If(found < 0, ENOENT);
  // mq_unlink(3) says EACCES, and Linux what unlink(2) says of a directory with the sticky bit.
  const bool denied = found >= 0 && caller.creds.uid != 0 && caller.creds.uid != Find(found)->uid;
  errors.If(denied, EPERM);
  errors.If(denied, EACCES);
  if (errors.any()) return choice.FailWithAny(errors);
  Queue& queue = queues_.Mutable(found);
  queue.name.clear();
  if (queue.opens == 0) queues_.Erase(found);
  return Done(0);
}

}  // namespace ipcspec

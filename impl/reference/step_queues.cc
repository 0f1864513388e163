// Descriptors of POSIX message queues, and who is told of messages: mq_overview(7), mq_notify(3).
// What a queue does with messages is impl/mechanism/posix_mq.h.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <csignal>
#include <utility>

#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

constexpr int64_t kArrived = 1, kRemoved = 2;  // what MqNotices tells

// The description if it is of a queue, else null.
const Description* FindQueue(const World& world, int task, const Fd& fd) {
  const Description* const description = world.FindDescription(task, fd.value);
  const bool is = description != nullptr && description->kind == Description::Kind::kQueue;
  return is ? description : nullptr;
}

bool Receives(const Description& description) {
  return (description.flags & O_ACCMODE) == O_RDONLY || (description.flags & O_ACCMODE) == O_RDWR;
}
bool Sends(const Description& description) {
  return (description.flags & O_ACCMODE) == O_WRONLY || (description.flags & O_ACCMODE) == O_RDWR;
}

const PosixMq::Queue& QueueOf(const World& world, const Description& description) {
  return *world.namespaces->Find(description.ipc)->queues->Find(description.queue);
}
PosixMq& QueuesOf(World& world, const Description& description) {
  return world.namespaces.Mutable().Mutable(description.ipc).queues.Mutable();
}

// Whether the call may not sleep. One that sleeps may or may not notice that O_NONBLOCK is set
// meanwhile.
bool Nonblocking(const Machine& m, const Description& description) {
  if ((description.flags & O_NONBLOCK) == 0) return false;
  return !m.caller.asleep || m.choice.SawError(EAGAIN);
}

Outcome Attributes(const World& world, const Description& description) {
  const PosixMq::Queue& queue = QueueOf(world, description);
  Outcome outcome = Returns(0);
  outcome.values = {description.flags & O_NONBLOCK, queue.maxmsg, queue.msgsize,
                    static_cast<int64_t>(queue.messages.size())};
  return outcome;
}

enum class Waits { kNobody, kMaybe, kSurely };

// Whether another task waits in mq_receive for a message of the queue.
Waits ReceiversOf(const Machine& m, const Description& queue) {
  Waits waits = Waits::kNobody;
  for (const Waiting& other : m.caller.waiting()) {
    const auto* const call = std::get_if<MqReceive>(other.call);
    if (call == nullptr || other.done) continue;
    const Description* const its = FindQueue(m.world, other.task, call->fd);
    if (its == nullptr || its->ipc != queue.ipc || its->queue != queue.queue) continue;
    // Its sleep may have ended already, by a signal or by its deadline.
    const Current& current = m.world.GetTask(other.task).current;
    const bool over = call->timeout.ns != Nanos::kForever &&
                      m.caller.latest >= current.invoked + call->timeout.ns;
    if (other.surely && !current.interrupted && !over) return Waits::kSurely;
    waits = Waits::kMaybe;
  }
  return waits;
}

// A message has come into the empty queue.
void TellOfArrival(Machine& m, const Description& description) {
  const PosixMq::Queue& queue = QueueOf(m.world, description);
  if (queue.registered.task < 0) return;
  // mq_notify(3): a receiver that waits gets the message, and nobody is told.
  const Waits receivers = ReceiversOf(m, description);
  if (receivers == Waits::kSurely) return;
  // A sender that waited until the queue was emptied: Linux puts its message in at that moment, so
  // that the queue is never seen empty.
  const bool waited = m.caller.invoked <= queue.emptied_at;
  if ((receivers == Waits::kMaybe || waited) && m.choice.Hidden(2) == 0) return;

  const auto told = QueuesOf(m.world, description).Unregister(description.queue);
  // mq_open(3) sets close-on-exec, so whether one is told that another program registered for is
  // not said. Linux does not.
  if (told.before_exec && (told.how != Notify::kSignal || m.choice.Hidden(2) == 0)) return;
  Task& task = m.world.MutableTask(told.task);
  if (told.how == Notify::kThread) task.notices.push_back(kArrived);
  if (told.how == Notify::kSignal && told.signal != 0) {
    task.signals.Raise(told.signal, {.known = true,
                                     .code = SI_MESGQ,
                                     .sender = m.caller.process,
                                     .uid = m.caller.creds.uid,
                                     .value = told.value});
  }
}

// The registration was taken back. Of what the C library does for SIGEV_THREAD the kernel tells.
void TellOfRemoval(World& world, const PosixMq::Registration& removed) {
  if (removed.how != Notify::kThread || removed.before_exec) return;
  world.MutableTask(removed.task).notices.push_back(kRemoved);
}

}  // namespace

Result Step(Machine& m, const MqOpen& call) {
  const int64_t fd = FreeDescriptor(m.world, m.task);
  PosixMq::Room room{.descriptor = fd >= 0,
                     .umask = m.self().umask,
                     .charged = {},
                     .max_bytes = m.self().max_queue_bytes};
  for (const auto& [number, ipc] : *m.world.namespaces) {
    room.charged.Add(ipc->queues->ChargedTo(m.caller.creds.uid));
  }
  int queue = -1;
  Result result =
      m.world.MutableIpcOf(m.task).queues.Mutable().Open(call, room, m.caller, m.choice, &queue);
  if (!result.outcome.ok()) return result;
  const int description =
      m.world.descriptions.Mutable().Add({.kind = Description::Kind::kQueue,
                                          .flags = call.flags.bits & (O_ACCMODE | O_NONBLOCK),
                                          .queue = queue,
                                          .ipc = m.self().ipc});
  Install(m.world, m.task, fd, description, true);  // mq_overview(7): always close-on-exec
  return Done(fd);
}

Result Step(Machine& m, const MqUnlink& call) {
  return m.world.MutableIpcOf(m.task).queues.Mutable().Unlink(call, m.caller, m.choice);
}

Result Step(Machine& m, const MqSend& call) {
  const Description* const description = FindQueue(m.world, m.task, call.fd);
  if (description == nullptr || !Sends(*description)) {
    return PosixMq().Send(-1, false, call, m.caller, m.choice);
  }
  const bool was_empty = QueueOf(m.world, *description).messages.empty();
  Result result =
      QueuesOf(m.world, *description)
          .Send(description->queue, Nonblocking(m, *description), call, m.caller, m.choice);
  if (result.done() && result.outcome.ok() && was_empty) TellOfArrival(m, *description);
  return result;
}

Result Step(Machine& m, const MqReceive& call) {
  const Description* const description = FindQueue(m.world, m.task, call.fd);
  if (description == nullptr || !Receives(*description)) {
    return PosixMq().Receive(-1, false, call, m.caller, m.choice);
  }
  return QueuesOf(m.world, *description)
      .Receive(description->queue, Nonblocking(m, *description), call, m.caller, m.choice);
}

Result Step(Machine& m, const MqGetattr& call) {
  const Description* const description = FindQueue(m.world, m.task, call.fd);
  if (description == nullptr) return Fail(EBADF);
  return Done(Attributes(m.world, *description));
}

Result Step(Machine& m, const MqSetattr& call) {
  const Description* const description = FindQueue(m.world, m.task, call.fd);
  Errors errors;
  errors.If((call.flags.bits & ~int64_t{O_NONBLOCK}) != 0, EINVAL);
  errors.If(description == nullptr, EBADF);
  if (errors.any()) return m.choice.FailWithAny(errors);
  Outcome before = Attributes(m.world, *description);
  const int number = m.self().Description(call.fd.value);
  Description& changed = m.world.descriptions.Mutable().Mutable(number);
  changed.flags = (changed.flags & ~int64_t{O_NONBLOCK}) | call.flags.bits;
  return Done(std::move(before));
}

Result Step(Machine& m, const MqNotify& call) {
  const Description* const description = FindQueue(m.world, m.task, call.fd);
  if (description == nullptr) return PosixMq().Register(-1, call, m.caller, m.choice);
  const PosixMq::Registration before = QueueOf(m.world, *description).registered;
  Result result =
      QueuesOf(m.world, *description).Register(description->queue, call, m.caller, m.choice);
  const bool removed = before.task >= 0 && QueueOf(m.world, *description).registered.task < 0;
  if (removed) TellOfRemoval(m.world, before);
  return result;
}

Result Step(Machine& m, const MqNotices&) {
  Outcome outcome = Returns(0);
  if (!m.self().notices.empty()) {
    const std::vector<int64_t> notices = std::exchange(m.mutable_self().notices, {});
    outcome.values.assign(notices.begin(), notices.end());
  }
  return Done(std::move(outcome));
}

Result Step(Machine& m, const MqFile& call) {
  // The file system shows the namespace that it was mounted in.
  if (!PosixMq::IsPlainName(call.name) || m.self().ipc != 0) return Unspecified(m, Fail(ENOENT));
  const PosixMq& queues = *m.world.IpcOf(m.task).queues;
  const PosixMq::Queue* const queue = queues.Find(queues.FindName(call.name));
  if (queue == nullptr) return Fail(ENOENT);
  if (!queue->Permits(4, m.caller)) return Fail(EACCES);

  constexpr int kNotify = 1, kSigno = 2;
  const PosixMq::Registration& registered = queue->registered;
  const bool by_signal = registered.how == Notify::kSignal;
  const int64_t how = by_signal                           ? SIGEV_SIGNAL
                      : registered.how == Notify::kThread ? SIGEV_THREAD
                                                          : SIGEV_NONE;
  Outcome outcome = Returns(0);
  outcome.values = {queue->Bytes(), registered.task < 0 ? 0 : how, registered.signal,
                    registered.task};
  // mq_overview(7): how one is told means something when there is one to be told, and the number
  // of the signal when it is by a signal.
  const auto open = [&](size_t i) {
    outcome.values[i] = m.choice.Value(i, INT64_MIN, INT64_MAX, outcome.values[i]);
  };
  if (registered.task < 0) open(kNotify);
  if (registered.task < 0 || !by_signal) open(kSigno);
  return Done(std::move(outcome));
}

Result Step(Machine& m, const LimitQueueBytes& call) {
  // Above the hard limit, which is not known here, setrlimit(2) fails.
  const bool high = call.bytes < 0 || call.bytes > m.dialect().max_queue_bytes;
  Errors errors;
  for (const int refusal : {EINVAL, EPERM}) errors.If(high && m.choice.SawError(refusal), refusal);
  if (errors.any()) return m.choice.FailWithAny(errors);
  m.mutable_self().max_queue_bytes = call.bytes < 0 ? INT64_MAX : call.bytes;
  return Done(0);
}

Ready PollQueue(const World& world, const Description& description, int64_t events) {
  constexpr int64_t kIn = POLLIN | POLLRDNORM, kOut = POLLOUT | POLLWRNORM;
  const PosixMq::Queue& queue = QueueOf(world, description);
  Ready ready;
  if (!queue.messages.empty()) ready.may |= events & kIn;
  if (!queue.full()) ready.may |= events & kOut;
  // Linux shows either whatever the descriptor was opened for.
  ready.must = ready.may;
  if (!Receives(description)) ready.must &= ~kIn;
  if (!Sends(description)) ready.must &= ~kOut;
  return ready;
}

Result StatQueue(Machine& m, const Description& description) {
  const PosixMq::Queue& queue = QueueOf(m.world, description);
  Outcome outcome = Returns(0);
  outcome.values = {S_IFREG | queue.mode, queue.uid, queue.gid, queue.name.empty() ? 0 : 1};
  // Mode and owner are those of the queue; its type and links nobody promises.
  const int64_t shown = m.choice.Value(0, INT64_MIN, INT64_MAX, outcome.values[0]);
  outcome.values[0] = (shown & ~int64_t{0777}) | queue.mode;
  outcome.values[3] = m.choice.Value(3, INT64_MIN, INT64_MAX, outcome.values[3]);
  return Done(std::move(outcome));
}

void ForgetRegistration(World& world, int task, int64_t fd, const Description& description,
                        Choice* choice) {
  const PosixMq::Registration& registered = QueueOf(world, description).registered;
  if (registered.task != task) return;
  // mq_close(3) removes what was registered by this descriptor; Linux by any of the queue's.
  if (registered.fd != fd && choice != nullptr && choice->Hidden(2) == 1) return;
  TellOfRemoval(world, QueuesOf(world, description).Unregister(description.queue));
}

void CloseQueue(World& world, const Description& description) {
  QueuesOf(world, description).Close(description.queue);
}

void ForgetNotices(World& world, int task) {
  world.MutableTask(task).notices.clear();
  for (const Descriptor& kept : world.GetTask(task).descriptors) {
    const Description* const description = world.descriptions->Find(kept.description);
    if (description != nullptr && description->kind == Description::Kind::kQueue) {
      QueuesOf(world, *description).OnExec(task);
    }
  }
}

}  // namespace ipcspec

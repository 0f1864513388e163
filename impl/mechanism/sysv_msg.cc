// msgget, msgsnd and msgrcv; msgctl is in sysv_msg_ctl.cc.
#include "impl/mechanism/sysv_msg.h"

#include <sys/ipc.h>
#include <sys/msg.h>

namespace ipcspec {
namespace {

int64_t SizeOf(const Msgsnd& call) {
  return call.size == Msgsnd::kAll ? static_cast<int64_t>(call.data.text.size()) : call.size;
}

// A message of more than its text is filled up with zeros, as far as this.
constexpr int64_t kMostFilledUp = 128 << 10;

// What a sleeper waits for may be too late when it comes with a signal.
bool MayBeTooLate(const Caller& caller, const Choice& choice) {
  return (caller.interrupted && choice.SawError(EINTR)) || EndedByStop(caller, choice);
}

// The highest type that a negative msgtyp accepts: its absolute value, as far as there is one.
int64_t Highest(int64_t type) { return type == INT64_MIN ? INT64_MAX : -type; }

}  // namespace

Result SysvMsg::Step(const Msgget& call, const Caller& caller, Choice& choice) {
  Errors errors;
  if (Queue* const found = queues_.FindKey(call.key.value); found != nullptr) {
    errors.If(call.flags.has(IPC_CREAT | IPC_EXCL), EEXIST);
    errors.If(found->perm.DeniesFlags(call.flags.bits, caller, choice), EACCES);
    if (errors.any()) return choice.FailWithAny(errors);
    return Done(queues_.Tell(found, choice));
  }

  // IPC_PRIVATE makes a queue whatever the flags say.
  if (static_cast<int32_t>(call.key.value) != IPC_PRIVATE && !call.flags.has(IPC_CREAT)) {
    errors.If(true, ENOENT);
  } else {
    const int64_t count = static_cast<int64_t>(queues_.all().size());
    errors.If(count >= caller.limits->Get(Limit::kMsgmni), ENOSPC);
    errors.If(choice.SawError(ENOMEM), ENOMEM);
  }
  if (errors.any()) return choice.FailWithAny(errors);

  Queue queue;
  queue.perm = IpcPerm::New(call.key.value, call.flags.bits, caller);
  queue.qbytes = static_cast<uint64_t>(caller.limits->Get(Limit::kMsgmnb));
  queue.ctime.Touch(caller);
  return Done(queues_.Add(std::move(queue), choice, TakeNextId(caller, Limit::kMsgNextId)));
}

void SysvMsg::CheckId(const Queue* queue, int64_t id, Errors& errors) const {
  errors.If(queue == nullptr, EINVAL);
  errors.If(queue == nullptr && queues_.WasRemoved(id), EIDRM);
}

bool SysvMsg::Expels(const Queue& queue, int want, const Caller& caller, const Choice& choice) {
  // Nothing says that permission is asked for again. Linux does whenever it wakes a sleeper, and
  // IPC_SET wakes all.
  const Outcome denied = Fails(EACCES);
  const bool played = choice.mode() == Choice::Mode::kUsual;
  return queue.perm.Denies(want, caller, played ? Choice(&denied) : choice);
}

Errors SysvMsg::CheckSend(const Queue* queue, const Msgsnd& call, int64_t size,
                          const Caller& caller, const Choice& choice) const {
  Errors errors;
  errors.If(call.type < 1 || size < 0 || size > caller.limits->Get(Limit::kMsgmax), EINVAL);
  const int64_t readable = std::max(static_cast<int64_t>(call.data.text.size()), kMostFilledUp);
  errors.If(call.memory == Memory::kBad || size > readable, EFAULT);
  CheckId(queue, call.id.value, errors);
  errors.If(queue != nullptr && queue->perm.Denies(kIpcWrite, caller, choice), EACCES);
  // Which of several errors comes first is open; that the queue is full may be one of them.
  const bool refused = errors.any() && queue != nullptr && size >= 0;
  errors.If(refused && call.flags.has(IPC_NOWAIT) && !queue->HasRoomFor(size), EAGAIN);
  errors.If(choice.SawError(ENOMEM), ENOMEM);
  return errors;
}

Result SysvMsg::Step(const Msgsnd& call, const Caller& caller, Choice& choice) {
  Queue* const queue = queues_.Find(call.id.value);
  const int64_t size = SizeOf(call);
  if (!caller.asleep) {
    const Errors errors = CheckSend(queue, call, size, caller, choice);
    if (errors.any()) return choice.FailWithAny(errors);
  } else {
    if (queue == nullptr) return Fail(EIDRM);
    if (Expels(*queue, kIpcWrite, caller, choice)) return Fail(EACCES);
  }

  if (!queue->HasRoomFor(size)) {
    if (call.flags.has(IPC_NOWAIT)) return Fail(EAGAIN);
    if (EndedByStop(caller, choice)) return Fail(EINTR);
    return SleepOrInterrupted(caller);  // never restarted, SA_RESTART or not
  }
  if (MayBeTooLate(caller, choice)) return Fail(EINTR);

  Message message{.type = call.type, .text = call.data.text};
  message.text.resize(size);
  queue->Put(std::move(message), caller);
  return Done(0);
}

Errors SysvMsg::CheckReceive(const Queue* queue, const Msgrcv& call, const Caller& caller,
                             const Choice& choice) const {
  Errors errors;
  // Without CONFIG_CHECKPOINT_RESTORE.
  errors.If(call.flags.has(MSG_COPY) && choice.SawError(ENOSYS), ENOSYS);
  errors.If(call.size < 0, EINVAL);
  errors.If(call.flags.has(MSG_COPY) && (!call.flags.has(IPC_NOWAIT) || call.flags.has(MSG_EXCEPT)),
            EINVAL);
  CheckId(queue, call.id.value, errors);
  errors.If(queue != nullptr && queue->perm.Denies(kIpcRead, caller, choice), EACCES);
  if (!errors.any()) return errors;
  // Which of several errors comes first is open; what the queue holds may be the reason of one.
  errors.If(call.memory == Memory::kBad, EFAULT);
  if (queue == nullptr) return errors;
  const int64_t place = queue->Select(call.type, call.flags);
  if (place == queue->qnum()) {
    errors.If(call.flags.has(IPC_NOWAIT), ENOMSG);
  } else {
    const bool too_long = (*queue->messages)[place]->size() > call.size;
    errors.If(too_long && !call.flags.has(MSG_NOERROR), E2BIG);
  }
  return errors;
}

Result SysvMsg::Step(const Msgrcv& call, const Caller& caller, Choice& choice) {
  Queue* const queue = queues_.Find(call.id.value);
  const bool copies = call.flags.has(MSG_COPY);
  if (!caller.asleep) {
    const Errors errors = CheckReceive(queue, call, caller, choice);
    if (errors.any()) return choice.FailWithAny(errors);
  } else {
    if (queue == nullptr) return Fail(EIDRM);
    if (Expels(*queue, kIpcRead, caller, choice)) return Fail(EACCES);
  }

  // A bad buffer may be noticed at once, or only when there is something to put there.
  const bool bad = call.memory == Memory::kBad;
  const int64_t place = queue->Select(call.type, call.flags);
  if (place == queue->qnum()) {
    if (bad && choice.SawError(EFAULT)) return Fail(EFAULT);
    if (call.flags.has(IPC_NOWAIT)) return Fail(ENOMSG);
    if (EndedByStop(caller, choice)) return Fail(EINTR);
    return SleepOrInterrupted(caller);  // never restarted, SA_RESTART or not
  }
  if (MayBeTooLate(caller, choice)) return Fail(EINTR);

  const Message& message = *(*queue->messages)[place];
  if (message.size() > call.size && !call.flags.has(MSG_NOERROR)) {
    Errors errors;
    errors.If(true, E2BIG);
    errors.If(bad, EFAULT);
    return choice.FailWithAny(errors);
  }
  if (copies && message.size() > std::min(call.size, caller.limits->Get(Limit::kMsgmax)) &&
      (choice.SawError(EINVAL) || choice.mode() == Choice::Mode::kUsual)) {
    return Fail(EINVAL);  // Linux cuts no copy, though MSG_NOERROR asks for it
  }
  if (bad) {
    // Whether the message is lost nobody says; on Linux it is.
    if (!copies && choice.Hidden(2) == 0) queue->Take(place, caller);
    return Fail(EFAULT);
  }
  Outcome outcome = Returns(std::min(message.size(), call.size));
  outcome.data = message.text.substr(0, outcome.ret);
  outcome.values = {message.type};
  if (!copies) queue->Take(place, caller);
  return Done(std::move(outcome));
}

int64_t SysvMsg::Queue::Select(int64_t type, MsgFlags flags) const {
  const int64_t none = qnum();
  if (flags.has(MSG_COPY)) return 0 <= type && type < none ? type : none;
  int64_t found = none;
  for (int64_t i = 0; i < none; ++i) {
    const int64_t of = (*messages)[i]->type;
    if (type == 0) return i;
    // MSG_EXCEPT means something with a positive msgtyp only.
    if (type > 0 && (of == type) != flags.has(MSG_EXCEPT)) return i;
    if (type < 0 && of <= Highest(type) && (found == none || of < (*messages)[found]->type)) {
      found = i;
    }
  }
  return found;
}

void SysvMsg::Queue::Put(Message message, const Caller& caller) {
  cbytes += message.size();
  messages.Mutable().push_back(Cow<Message>(std::move(message)));
  lspid = caller.process;
  stime.Touch(caller);
}

void SysvMsg::Queue::Take(int64_t place, const Caller& caller) {
  cbytes -= (*messages)[place]->size();  // the whole of it, even when it is cut
  Messages& left = messages.Mutable();
  left.erase(left.begin() + place);
  lrpid = caller.process;
  rtime.Touch(caller);
}

}  // namespace ipcspec

// Messages: mq_send, mq_receive, mq_notify.
#include <algorithm>

#include "impl/mechanism/posix_mq.h"

namespace ipcspec {
namespace {

// The queue is empty, or full: what the call does, when `errors` has what is wrong with it anyhow.
template <class TimedCall>
Result CannotGoOn(const TimedCall& call, bool nonblocking, Errors errors, const Caller& caller,
                  Choice& choice) {
  const bool timed = call.timeout.ns != Nanos::kForever;
  const bool refused = errors.any() || nonblocking || call.bad_time;
  errors.If(nonblocking, EAGAIN);
  errors.If(call.bad_time, EINVAL);
  errors.If(refused && timed && !nonblocking && call.timeout.ns <= 0, ETIMEDOUT);
  if (errors.any()) return choice.FailWithAny(errors);

  if (TimeIsUp(call.timeout, ETIMEDOUT, caller, choice)) return Fail(ETIMEDOUT);
  return SleepOrInterrupted(caller);
}

// mq_send(3) minds a malformed time when it would wait; Linux always.
template <class TimedCall>
bool RefusesTime(const TimedCall& call, const Choice& choice) {
  return call.bad_time && (choice.SawError(EINVAL) || choice.mode() == Choice::Mode::kUsual);
}

}  // namespace

Result PosixMq::Send(int number, bool nonblocking, const MqSend& call, const Caller& caller,
                     Choice& choice) {
  const Queue* const found = Find(number);
  const int64_t priority = static_cast<uint32_t>(call.priority);  // an unsigned int
  Errors errors;
  errors.If(priority >= kPriorities, EINVAL);
  errors.If(found == nullptr, EBADF);
  errors.If(found != nullptr && static_cast<int64_t>(call.data.text.size()) > found->msgsize,
            EMSGSIZE);
  if (found != nullptr && found->full()) {
    return CannotGoOn(call, nonblocking, std::move(errors), caller, choice);
  }
  errors.If(RefusesTime(call, choice), EINVAL);
  if (errors.any()) return choice.FailWithAny(errors);

  std::vector<Message>& messages = queues_.Mutable(number).messages;
  const auto behind = std::find_if(messages.begin(), messages.end(),
                                   [&](const Message& other) { return other.priority < priority; });
  messages.insert(behind, {.priority = priority, .data = call.data.text});
  return Done(0);
}

Result PosixMq::Receive(int number, bool nonblocking, const MqReceive& call, const Caller& caller,
                        Choice& choice) {
  const Queue* const found = Find(number);
  Errors errors;
  errors.If(found == nullptr, EBADF);
  errors.If(found != nullptr && call.size < found->msgsize, EMSGSIZE);
  if (found != nullptr && found->messages.empty()) {
    return CannotGoOn(call, nonblocking, std::move(errors), caller, choice);
  }
  errors.If(RefusesTime(call, choice), EINVAL);
  if (errors.any()) return choice.FailWithAny(errors);

  Queue& queue = queues_.Mutable(number);
  Message message = std::move(queue.messages.front());
  queue.messages.erase(queue.messages.begin());
  if (queue.maxmsg == 1) queue.emptied_at = caller.latest;
  Outcome outcome = Returns(static_cast<int64_t>(message.data.size()));
  outcome.data = std::move(message.data);
  outcome.values = {message.priority};
  return Done(std::move(outcome));
}

Result PosixMq::Register(int number, const MqNotify& call, const Caller& caller, Choice& choice) {
  const Queue* const found = Find(number);
  const int holder = found == nullptr ? -1 : found->registered.task;
  const bool by_signal = call.how == Notify::kSignal;
  Errors errors;
  errors.If(call.how == Notify::kBad, EINVAL);
  // 0 is no signal, and Linux takes it, to send none.
  const int lowest = choice.SawError(EINVAL) ? 1 : 0;
  errors.If(by_signal && (call.signal.number < lowest || call.signal.number > 64), EINVAL);
  errors.If(found == nullptr, EBADF);
  errors.If(call.how != Notify::kRemove && holder >= 0, EBUSY);
  // POSIX.1-2024 allows it of one that is not registered.
  errors.If(call.how == Notify::kRemove && holder != caller.process && choice.SawError(EINVAL),
            EINVAL);
  errors.If(choice.SawError(ENOMEM), ENOMEM);
  if (errors.any()) return choice.FailWithAny(errors);

  if (call.how == Notify::kRemove) {
    if (holder == caller.process) Unregister(number);
    return Done(0);
  }
  queues_.Mutable(number).registered = {.task = caller.process,
                                        .fd = call.fd.value,
                                        .how = call.how,
                                        .signal = by_signal ? call.signal.number : 0,
                                        .value = by_signal ? call.value : 0};
  return Done(0);
}

PosixMq::Registration PosixMq::Unregister(int queue) {
  return std::exchange(queues_.Mutable(queue).registered, {});
}

void PosixMq::OnExec(int task) {
  for (const auto& [number, queue] : queues_) {
    if (queue->registered.task == task) queues_.Mutable(number).registered.before_exec = true;
  }
}

}  // namespace ipcspec

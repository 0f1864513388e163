// msgctl(2).
#include <algorithm>

#include "impl/mechanism/sysv_msg.h"

namespace ipcspec {
Outcome SysvMsg::Stat(const Queue& queue, int64_t ret, Choice& choice) {
  Outcome outcome = Returns(ret);
  queue.perm.Show(choice, outcome);
  outcome.values.insert(
      outcome.values.end(),
      {queue.qnum(), queue.cbytes, static_cast<int64_t>(queue.qbytes), queue.lspid, queue.lrpid,
       queue.stime.Read(11, choice), queue.rtime.Read(12, choice), queue.ctime.Read(13, choice)});
  return outcome;
}

Result SysvMsg::Step(const MsgStat& call, const Caller& caller, Choice& choice) {
  const Queue* const queue = queues_.Find(call.id.value);
  Errors errors;
  CheckId(queue, call.id.value, errors);
  errors.If(queue != nullptr && queue->perm.Denies(kIpcRead, caller, choice), EACCES);
  errors.If(call.memory == Memory::kBad, EFAULT);
  if (errors.any()) return choice.FailWithAny(errors);
  return Done(Stat(*queue, 0, choice));
}

Result SysvMsg::Step(const MsgStatIndex& call, const Caller& caller, Choice& choice) {
  const Queue* const queue = queues_.AtIndex(call.index, *caller.dialect, choice);
  if (queue == nullptr) return Fail(EINVAL);
  if (!call.any && queue->perm.Denies(kIpcRead, caller, choice)) return Fail(EACCES);
  return Done(Stat(*queue, queue->perm.id, choice));
}

Result SysvMsg::List(Choice& choice) {
  constexpr size_t kColumns = kMsgColumns.size();
  Outcome outcome;
  for (const Queue& queue : queues_.Listed(kColumns, choice)) {
    queue.perm.ListName(choice, outcome);
    outcome.values.insert(outcome.values.end(),
                          {queue.cbytes, queue.qnum(), queue.lspid, queue.lrpid});
    queue.perm.ListOwners(choice, outcome);
    for (const IpcTime* time : {&queue.stime, &queue.rtime, &queue.ctime}) {
      outcome.values.push_back(time->Read(outcome.values.size(), choice));
    }
  }
  outcome.ret = static_cast<int64_t>(outcome.values.size() / kColumns);
  return Done(std::move(outcome));
}

Result SysvMsg::Step(const MsgSet& call, const Caller& caller, Choice& choice) {
  Queue* const queue = queues_.Find(call.id.value);
  // Linux takes msg_qbytes for an int.
  const uint64_t wanted = static_cast<uint64_t>(call.qbytes);
  const uint64_t cut = static_cast<uint64_t>(int64_t{static_cast<int32_t>(call.qbytes)});
  const bool cuts = cut != wanted && choice.Hidden(2) == 0;
  const uint64_t qbytes = cuts ? cut : wanted;

  Errors errors;
  errors.If(call.memory == Memory::kBad, EFAULT);
  CheckId(queue, call.id.value, errors);
  if (queue != nullptr) {
    queue->perm.CheckSet(call.uid, call.gid, caller, choice, errors);
    const bool above = qbytes > static_cast<uint64_t>(caller.limits->Get(Limit::kMsgmnb)) &&
                       !caller.Can(Capability::kSysResource);
    // Above the limit already, and not raised: Linux refuses that too.
    const bool raised = qbytes > queue->qbytes;
    errors.If(above && (raised || choice.SawError(EPERM) || choice.mode() == Choice::Mode::kUsual),
              EPERM);
  }
  if (errors.any()) return choice.FailWithAny(errors);
  queue->perm.Set(call.uid, call.gid, call.mode.bits, caller);
  queue->qbytes = qbytes;
  queue->ctime.Touch(caller);
  return Done(0);
}

Result SysvMsg::Step(const MsgRemove& call, const Caller& caller, Choice& choice) {
  Queue* const queue = queues_.Find(call.id.value);
  Errors errors;
  CheckId(queue, call.id.value, errors);
  errors.If(queue != nullptr && !queue->perm.MayControl(caller), EPERM);
  if (errors.any()) return choice.FailWithAny(errors);
  queues_.Remove(queue);  // with all its messages
  return Done(0);
}

Result SysvMsg::Step(const MsgLimits&, const Caller& caller, Choice& choice) {
  Outcome outcome = Returns(queues_.HighestIndex(*caller.dialect, choice));
  outcome.values = {caller.limits->Get(Limit::kMsgmax), caller.limits->Get(Limit::kMsgmnb),
                    caller.limits->Get(Limit::kMsgmni)};
  return Done(std::move(outcome));
}

Result SysvMsg::Step(const MsgUsage&, const Caller& caller, Choice& choice) {
  int64_t messages = 0, bytes = 0;
  for (const Queue& queue : queues_.all()) messages += queue.qnum(), bytes += queue.cbytes;
  Outcome outcome = Returns(queues_.HighestIndex(*caller.dialect, choice));
  outcome.values = {static_cast<int64_t>(queues_.all().size()), messages, bytes};
  return Done(std::move(outcome));
}

Result SysvMsg::Step(const MsgBadCommand& call, const Caller&, Choice& choice) {
  Errors errors;
  errors.If(true, EINVAL);
  errors.If(queues_.WasRemoved(call.id.value), EIDRM);
  return choice.FailWithAny(errors);
}

void SysvMsg::ForgetUses() {
  for (Queue& queue : queues_.all()) {
    queue.stime = queue.rtime = queue.ctime = {};
    queue.lspid = queue.lrpid = -1;
  }
}

}  // namespace ipcspec

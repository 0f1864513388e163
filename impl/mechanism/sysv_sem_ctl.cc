// semctl(2), and the limits in /proc/sys/kernel/sem (proc(5)).
#include <sys/ipc.h>
#include <sys/sem.h>

#include <algorithm>

#include "impl/mechanism/sysv_sem.h"

namespace ipcspec {
namespace {

// The highest SEMMNI that the kernel's table has room for, as it is usually booted.
constexpr int64_t kTableSize = int64_t{1} << kIpcIndexBits;

bool InRange(int64_t value) { return 0 <= value && value <= SysvSem::kMaxValue; }

}  // namespace

SysvSem::Set* SysvSem::ForControl(int64_t id, int want, const Caller& caller, const Choice& choice,
                                  Errors& errors) {
  Set* const set = sets_.Find(id);
  errors.If(set == nullptr, EINVAL);
  errors.If(set == nullptr && sets_.WasRemoved(id), EIDRM);
  errors.If(set != nullptr && want != 0 && set->perm.Denies(want, caller, choice), EACCES);
  return set;
}

SysvSem::Semaphore* SysvSem::ForControl(int64_t id, int64_t num, int want, const Caller& caller,
                                        const Choice& choice, Errors& errors) {
  Set* const set = ForControl(id, want, caller, choice, errors);
  if (set == nullptr) return nullptr;
  errors.If(!set->Has(num), EINVAL);  // POSIX.1-2024 semctl; semctl(2) does not tell
  return set->Has(num) ? &set->semaphores[num] : nullptr;
}

Result SysvSem::Step(const SemGetVal& call, const Caller& caller, Choice& choice) {
  Errors errors;
  const Semaphore* s = ForControl(call.id.value, call.num, kIpcRead, caller, choice, errors);
  return errors.any() ? choice.FailWithAny(errors) : Done(s->value);
}

Result SysvSem::Step(const SemGetPid& call, const Caller& caller, Choice& choice) {
  Errors errors;
  const Semaphore* s = ForControl(call.id.value, call.num, kIpcRead, caller, choice, errors);
  return errors.any() ? choice.FailWithAny(errors) : Done(s->pid);
}

Result SysvSem::Step(const SemSetVal& call, const Caller& caller, Choice& choice) {
  const int64_t value = static_cast<int32_t>(call.value);  // an int in union semun
  Errors errors;
  errors.If(!InRange(value), ERANGE);
  Semaphore* const s = ForControl(call.id.value, call.num, kIpcWrite, caller, choice, errors);
  if (errors.any()) return choice.FailWithAny(errors);
  Set* const set = sets_.Find(call.id.value);
  s->value = static_cast<int32_t>(value);
  s->pid = caller.process;  // semctl(2) NOTES: on Linux
  set->Forget(static_cast<int>(call.num));
  set->ctime.Touch(caller);
  return Done(0);
}

Result SysvSem::Step(const SemGetAll& call, const Caller& caller, Choice& choice) {
  Errors errors;
  const Set* const set = ForControl(call.id.value, kIpcRead, caller, choice, errors);
  errors.If(call.memory == Memory::kBad, EFAULT);
  if (errors.any()) return choice.FailWithAny(errors);
  Outcome outcome = Returns(0);
  for (const Semaphore& s : set->semaphores) outcome.values.push_back(s.value);
  return Done(std::move(outcome));
}

Result SysvSem::Step(const SemSetAll& call, const Caller& caller, Choice& choice) {
  Errors errors;
  Set* const set = ForControl(call.id.value, kIpcWrite, caller, choice, errors);
  errors.If(call.memory == Memory::kBad, EFAULT);
  // An array of unsigned shorts; what the call does not give counts as 0, what is too much is cut.
  std::vector<int32_t> values(set == nullptr ? 0 : set->semaphores.size());
  for (size_t i = 0; i < std::min(values.size(), call.all.size()); ++i) {
    values[i] = static_cast<uint16_t>(call.all[i]);
  }
  errors.If(!std::all_of(values.begin(), values.end(), InRange), ERANGE);
  if (errors.any()) return choice.FailWithAny(errors);
  for (size_t i = 0; i < values.size(); ++i) {
    set->semaphores[i] = {.value = values[i], .pid = caller.process};  // since Linux 4.6
  }
  set->adjustments.clear();
  set->ctime.Touch(caller);
  return Done(0);
}

// semncnt and semzcnt. A sleeper counts for the first operation that cannot proceed. Where an
// earlier one could not when it went to sleep, Linux may still count it there; and before it
// sleeps, which is not seen, it does not count.
Result SysvSem::CountWaiting(int64_t id, int64_t num, bool for_zero, const Caller& caller,
                             Choice& choice) {
  Errors errors;
  ForControl(id, num, kIpcRead, caller, choice, errors);
  if (errors.any()) return choice.FailWithAny(errors);
  const Set& set = *sets_.Find(id);
  const auto counts = [&](const Sembuf& op) {
    return static_cast<uint16_t>(op.num) == num &&
           (for_zero ? static_cast<int16_t>(op.op) == 0 : static_cast<int16_t>(op.op) < 0);
  };
  const auto never_blocks = [](const Sembuf& op) { return static_cast<int16_t>(op.op) > 0; };

  int64_t surely = 0, perhaps = 0, usual = 0;
  for (const Waiting& other : caller.waiting()) {
    const Semop* const semop = std::get_if<Semop>(other.call);
    if (semop == nullptr || other.done || semop->id.value != id || !other.beside) continue;
    const absl::Span<const Sembuf> ops = semop->ops;
    const auto in_set = [&](const Sembuf& op) { return set.Has(static_cast<uint16_t>(op.num)); };
    if (!std::all_of(ops.begin(), ops.end(), in_set)) continue;
    const Attempt attempt = Try(set, ops, 0, nullptr);
    if (attempt.what != Attempt::kBlocks) continue;
    perhaps += std::any_of(ops.begin(), ops.end(), counts);
    usual += counts(ops[attempt.at]);
    const bool nowhere_else = std::all_of(
        ops.begin(), ops.end(), [&](const Sembuf& op) { return counts(op) || never_blocks(op); });
    // Its timeout may be over.
    surely += other.surely && nowhere_else && semop->timeout.ns == Nanos::kForever;
  }
  return Done(choice.Number(surely, perhaps, usual));
}

Result SysvSem::Step(const SemGetNcnt& call, const Caller& caller, Choice& choice) {
  return CountWaiting(call.id.value, call.num, false, caller, choice);
}

Result SysvSem::Step(const SemGetZcnt& call, const Caller& caller, Choice& choice) {
  return CountWaiting(call.id.value, call.num, true, caller, choice);
}

Outcome SysvSem::Stat(const Set& set, int64_t ret, Choice& choice) {
  Outcome outcome = Returns(ret);
  set.perm.Show(choice, outcome);
  outcome.values.push_back(set.size());
  outcome.values.push_back(set.otime.Read(7, choice));
  outcome.values.push_back(set.ctime.Read(8, choice));
  return outcome;
}

Result SysvSem::Step(const SemStat& call, const Caller& caller, Choice& choice) {
  Errors errors;
  const Set* const set = ForControl(call.id.value, kIpcRead, caller, choice, errors);
  errors.If(call.memory == Memory::kBad, EFAULT);
  if (errors.any()) return choice.FailWithAny(errors);
  return Done(Stat(*set, 0, choice));
}

Result SysvSem::Step(const SemStatIndex& call, const Caller& caller, Choice& choice) {
  const Set* const set = sets_.AtIndex(call.index, *caller.dialect, choice);
  if (set == nullptr) return Fail(EINVAL);
  if (!call.any && set->perm.Denies(kIpcRead, caller, choice)) return Fail(EACCES);
  return Done(Stat(*set, set->perm.id, choice));
}

Result SysvSem::List(Choice& choice) {
  constexpr size_t kColumns = kSemColumns.size();
  Outcome outcome;
  for (const Set& set : sets_.Listed(kColumns, choice)) {
    set.perm.ListName(choice, outcome);
    outcome.values.push_back(set.size());
    set.perm.ListOwners(choice, outcome);
    outcome.values.push_back(set.otime.Read(outcome.values.size(), choice));
    outcome.values.push_back(set.ctime.Read(outcome.values.size(), choice));
  }
  outcome.ret = static_cast<int64_t>(outcome.values.size() / kColumns);
  return Done(std::move(outcome));
}

Result SysvSem::Step(const SemSet& call, const Caller& caller, Choice& choice) {
  Errors errors;
  errors.If(call.memory == Memory::kBad, EFAULT);
  Set* const set = ForControl(call.id.value, 0, caller, choice, errors);
  if (set != nullptr) set->perm.CheckSet(call.uid, call.gid, caller, choice, errors);
  if (errors.any()) return choice.FailWithAny(errors);
  set->perm.Set(call.uid, call.gid, call.mode.bits, caller);
  set->ctime.Touch(caller);
  return Done(0);
}

Result SysvSem::Step(const SemRemove& call, const Caller& caller, Choice& choice) {
  Errors errors;
  Set* const set = ForControl(call.id.value, 0, caller, choice, errors);
  errors.If(set != nullptr && !set->perm.MayControl(caller), EPERM);
  if (errors.any()) return choice.FailWithAny(errors);
  sets_.Remove(set);  // with all its adjustments
  return Done(0);
}

Result SysvSem::Step(const SemLimits&, const Caller& caller, Choice& choice) {
  Outcome outcome = Returns(sets_.HighestIndex(*caller.dialect, choice));
  outcome.values = {limits_.semmsl, limits_.semmns, limits_.semopm, limits_.semmni, kMaxValue};
  return Done(std::move(outcome));
}

Result SysvSem::Step(const SemUsage&, const Caller& caller, Choice& choice) {
  Outcome outcome = Returns(sets_.HighestIndex(*caller.dialect, choice));
  outcome.values = {static_cast<int64_t>(sets_.all().size()), SemaphoresInAll()};
  return Done(std::move(outcome));
}

Result SysvSem::Step(const SemBadCommand& call, const Caller&, Choice& choice) {
  Errors errors;
  errors.If(true, EINVAL);
  errors.If(sets_.WasRemoved(call.id.value), EIDRM);
  return choice.FailWithAny(errors);
}

Result SysvSem::Step(const SetSemLimits& call, const Caller& caller, Choice& choice) {
  // Who may write there depends on how the namespace was set up, which proc(5) leaves open.
  Errors errors;
  for (const int refusal : {EACCES, EPERM, EROFS, ENOENT}) {
    errors.If(choice.SawError(refusal), refusal);
  }
  errors.If(caller.creds.uid != 0, EACCES);
  if (errors.any()) return choice.FailWithAny(errors);
  const bool has_room = 0 <= call.semmni && call.semmni <= kTableSize;
  limits_.semmsl = call.semmsl;
  limits_.semmns = call.semmns;
  limits_.semopm = call.semopm;
  if (!has_room && (call.semmni < 0 || !choice.SawSuccess())) {
    // Linux keeps the fourth number and takes the others.
    errors.If(true, ERANGE);
    errors.If(true, EINVAL);
    return choice.FailWithAny(errors);
  }
  limits_.semmni = call.semmni;
  return Done(0);
}

void SysvSem::ForgetUses() {
  for (Set& set : sets_.all()) {
    set.otime = set.ctime = {};
    for (Semaphore& semaphore : set.semaphores) semaphore.pid = -1;
  }
}

}  // namespace ipcspec

// semget, semop and what happens to adjustments at exit; semctl is in sysv_sem_ctl.cc.
#include "impl/mechanism/sysv_sem.h"

#include <sys/ipc.h>
#include <sys/sem.h>

#include <algorithm>

namespace ipcspec {
namespace {

// The kernel need not find room for an array of more operations than this (semop(2), SEMOPM).
constexpr size_t kSmallArray = 64;

// The fields of a struct sembuf are shorts.
int Num(const Sembuf& op) { return static_cast<uint16_t>(op.num); }
int Op(const Sembuf& op) { return static_cast<int16_t>(op.op); }
bool Undoes(const Sembuf& op) { return op.flags.has(SEM_UNDO); }

// An adjustment of up to SEMVMX either way fits everywhere. Beyond, POSIX gives ERANGE and
// semop(2) knows no limit; Linux has room for a short.
bool IsTooLarge(int64_t adjustment, const Choice& choice) {
  const bool played = choice.mode() == Choice::Mode::kUsual;
  const int64_t lowest = played ? INT16_MIN : -SysvSem::kMaxValue;
  const bool fits = lowest <= adjustment && adjustment <= SysvSem::kMaxValue;
  return !fits && (played || choice.SawError(ERANGE));
}

}  // namespace

SysvSem::SysvSem(const Dialect& dialect)
    : limits_{.semmsl = dialect.semmsl,
              .semmns = dialect.semmns,
              .semopm = dialect.semopm,
              .semmni = dialect.semmni} {}

int64_t SysvSem::SemaphoresInAll() const {
  int64_t sum = 0;
  for (const Set& set : sets_.all()) sum += set.size();
  return sum;
}

Result SysvSem::Step(const Semget& call, const Caller& caller, Choice& choice) {
  Errors errors;
  errors.If(call.nsems < 0 || call.nsems > limits_.semmsl, EINVAL);

  if (Set* const found = sets_.FindKey(call.key.value); found != nullptr) {
    errors.If(call.flags.has(IPC_CREAT | IPC_EXCL), EEXIST);
    errors.If(call.nsems > found->size(), EINVAL);
    errors.If(found->perm.DeniesFlags(call.flags.bits, caller, choice), EACCES);
    if (errors.any()) return choice.FailWithAny(errors);
    return Done(sets_.Tell(found, choice));
  }

  // IPC_PRIVATE makes a set whatever the flags say.
  if (static_cast<int32_t>(call.key.value) != IPC_PRIVATE && !call.flags.has(IPC_CREAT)) {
    errors.If(true, ENOENT);
  } else {
    errors.If(call.nsems == 0, EINVAL);
    errors.If(static_cast<int64_t>(sets_.all().size()) >= limits_.semmni, ENOSPC);
    errors.If(call.nsems > 0 && SemaphoresInAll() + call.nsems > limits_.semmns, ENOSPC);
    errors.If(choice.SawError(ENOMEM), ENOMEM);
  }
  if (errors.any()) return choice.FailWithAny(errors);

  Set set;
  set.perm = IpcPerm::New(call.key.value, call.flags.bits, caller);
  set.ctime.Touch(caller);
  // The values start at 0: POSIX leaves them open, semget(2) says what Linux does.
  set.semaphores.resize(call.nsems);
  return Done(sets_.Add(std::move(set), choice, TakeNextId(caller, Limit::kSemNextId)));
}

SysvSem::Attempt SysvSem::Try(const Set& set, absl::Span<const Sembuf> ops, int undo_list,
                              const Choice* choice) {
  uint64_t met = 0;  // semaphores that earlier operations named, by number mod 64
  for (size_t i = 0; i < ops.size(); ++i) {
    const int num = Num(ops[i]);
    const int op = Op(ops[i]);
    const uint64_t bit = uint64_t{1} << (num % 64);
    int64_t value = set.semaphores[num].value;
    int64_t undone = 0;  // adjustments of this array so far
    if ((met & bit) != 0) {
      for (const Sembuf& earlier : ops.first(i)) {
        if (Num(earlier) != num) continue;
        value += Op(earlier);
        if (Undoes(earlier)) undone -= Op(earlier);
      }
    }
    met |= bit;
    if (op == 0 ? value != 0 : value + op < 0) return {Attempt::kBlocks, i};
    if (value + op > kMaxValue) return {Attempt::kOutOfRange, i};
    if (op != 0 && Undoes(ops[i]) && choice != nullptr &&
        IsTooLarge(set.AdjustmentOf(undo_list, num) + undone - op, *choice)) {
      return {Attempt::kOutOfRange, i};
    }
  }
  return {Attempt::kProceeds, ops.size()};
}

Errors SysvSem::CheckSemop(const Set* set, const Semop& call, const Caller& caller,
                           const Choice& choice) const {
  Errors errors;
  errors.If(call.ops.empty(), EINVAL);
  errors.If(static_cast<int64_t>(call.ops.size()) > limits_.semopm, E2BIG);
  errors.If(call.memory == Memory::kBad, EFAULT);
  errors.If(set == nullptr, EINVAL);
  errors.If(set == nullptr && sets_.WasRemoved(call.id.value), EIDRM);
  if (set == nullptr) return errors;

  bool alters = false, waits_for_zero = false, too_high = false, undoes = false;
  for (const Sembuf& op : call.ops) {
    too_high |= !set->Has(Num(op));
    undoes |= Undoes(op);
    (Op(op) == 0 ? waits_for_zero : alters) = true;
  }
  errors.If(too_high, EFBIG);
  // semop(2) wants permission to read for an operation of 0; Linux does not in a mix with others.
  const bool reads = waits_for_zero && (!alters || choice.SawError(EACCES));
  errors.If(alters && set->perm.Denies(kIpcWrite, caller, choice), EACCES);
  errors.If(reads && set->perm.Denies(kIpcRead, caller, choice), EACCES);
  const bool needs_memory = undoes || call.ops.size() > kSmallArray;
  errors.If(needs_memory && choice.SawError(ENOMEM), ENOMEM);
  return errors;
}

Result SysvSem::Step(const Semop& call, const Caller& caller, Choice& choice) {
  Set* const set = sets_.Find(call.id.value);
  if (!caller.asleep) {
    const Errors errors = CheckSemop(set, call, caller, choice);
    if (errors.any()) return choice.FailWithAny(errors);
  } else if (set == nullptr) {
    return Fail(EIDRM);
  }

  const Attempt attempt = Try(*set, call.ops, caller.undo_list, &choice);
  // A call that sleeps may find, when it is tried again, that an earlier operation of its array
  // blocks with IPC_NOWAIT now, or passes the limit. Whether it is tried at such a moment is not
  // said (Linux does when what it waits for changes): it may fail, and it may go on sleeping.
  const bool may_sleep_on =
      caller.asleep && !caller.interrupted && choice.mode() != Choice::Mode::kUsual;
  if (attempt.what == Attempt::kOutOfRange) {
    return may_sleep_on && !choice.SawError(ERANGE) ? Sleep() : Fail(ERANGE);
  }

  if (attempt.what == Attempt::kBlocks) {
    if (call.ops[attempt.at].flags.has(IPC_NOWAIT) && (!may_sleep_on || choice.SawError(EAGAIN))) {
      return Fail(EAGAIN);
    }
    if (TimeIsUp(call.timeout, EAGAIN, caller, choice, MostEarly(*caller.dialect))) {
      return Fail(EAGAIN);
    }
    if (EndedByStop(caller, choice)) return Fail(EINTR);
    return SleepOrInterrupted(caller);  // never restarted, SA_RESTART or not
  }

  for (const Sembuf& op : call.ops) {
    Semaphore& semaphore = set->semaphores[Num(op)];
    semaphore.value += Op(op);
    semaphore.pid = caller.process;  // also of one that was only waited for
    if (Undoes(op)) set->Adjust(caller.undo_list, Num(op), -Op(op));
  }
  set->otime.Touch(caller);
  return Done(0);
}

int64_t SysvSem::MostEarly(const Dialect& dialect) {
  constexpr int64_t kLateTicks = 100'000'000;
  const bool in_ticks = dialect.kernel == Dialect::Kernel::kLinux && !dialect.Since(5, 19);
  return in_ticks ? kLateTicks : 0;
}

void SysvSem::OnLastExit(int undo_list, const Caller& caller) {
  for (Set& set : sets_.all()) {
    set.Undo(undo_list, caller);
    // Whether this is a "last semop" nobody says. Linux thinks so, even of a set on which SEM_UNDO
    // was tried in vain, or cancelled itself out; of those no record is kept here.
    set.otime.MayTouch(caller, false);
  }
}

bool SysvSem::UndoAhead(int undo_list, int n, const Caller& caller) {
  for (Set& set : sets_.all()) {
    const bool adjusted = std::any_of(set.adjustments.begin(), set.adjustments.end(),
                                      [&](const Adjustment& a) { return a.list == undo_list; });
    if (!adjusted || n-- > 0) continue;
    set.Undo(undo_list, caller);
    return true;
  }
  return false;
}

int64_t SysvSem::Set::AdjustmentOf(int list, int num) const {
  for (const Adjustment& a : adjustments) {
    if (a.list == list && a.num == num) return a.amount;
  }
  return 0;
}

void SysvSem::Set::Adjust(int list, int num, int64_t amount) {
  if (amount == 0) return;
  const Adjustment mine{.list = list, .num = num, .amount = amount};
  const auto at = std::lower_bound(
      adjustments.begin(), adjustments.end(), mine,
      [](const Adjustment& a, const Adjustment& b) { return a.place() < b.place(); });
  if (at == adjustments.end() || at->place() != mine.place()) {
    adjustments.insert(at, mine);
  } else if ((at->amount += amount) == 0) {
    adjustments.erase(at);
  }
}

void SysvSem::Set::Undo(int list, const Caller& caller) {
  for (const Adjustment& a : adjustments) {
    if (a.list != list) continue;
    // semop(2) BUGS: rather than wait or give up, the value goes as far as it can.
    Semaphore& semaphore = semaphores[a.num];
    semaphore.value =
        static_cast<int32_t>(std::clamp<int64_t>(semaphore.value + a.amount, 0, kMaxValue));
    semaphore.pid = caller.process;  // semctl(2) NOTES
    otime.MayTouch(caller, true);
  }
  std::erase_if(adjustments, [&](const Adjustment& a) { return a.list == list; });
}

void SysvSem::Set::Forget(int num) {
  std::erase_if(adjustments, [&](const Adjustment& a) { return a.num == num; });
}

}  // namespace ipcspec

// System V semaphores: semget(2), semop(2), semctl(2), sysvipc(7), proc(5) /proc/sys/kernel/sem.
//
// A set is an array of counters, each 0 to SEMVMX. semop() performs an array of operations on one
// set, in order, all of them at one moment or none:
//     op > 0   adds; it never waits
//     op < 0   subtracts, once the value is large enough
//     op = 0   waits until the value is 0
// The first operation that cannot proceed, given what the earlier ones did, decides: with
// IPC_NOWAIT the call fails with EAGAIN, else it sleeps, and is tried again whenever values change.
// It ends asleep with EIDRM (the set was removed), EINTR (a handler ran; it is never restarted) or
// EAGAIN (the timeout of semtimedop() is over). Nobody promises an order among sleepers.
//
// With SEM_UNDO an operation is also noted, negated, in the list of adjustments (semadj) that the
// task uses. When the last user of the list ends, its adjustments are added to the values, as far
// as 0 and SEMVMX allow. SETVAL and SETALL forget the adjustments of what they set, in all lists.
//
// This class is the state of one IPC namespace. Calls that are asleep are no part of it: they stay
// with their tasks and are offered every later state. Checks that Linux makes before it sleeps
// (arguments, permissions) are not made again for a call that was seen asleep (Caller::asleep).
// It must never wait, look at a clock or know of processes beyond their numbers.
#ifndef IPCSPEC_IMPL_MECHANISM_SYSV_SEM_H_
#define IPCSPEC_IMPL_MECHANISM_SYSV_SEM_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "impl/call/ipc_calls.h"
#include "impl/call/sysv_sem_calls.h"
#include "impl/mechanism/step.h"
#include "impl/mechanism/sysv_ids.h"

namespace ipcspec {

class SysvSem {
 public:
  static constexpr int64_t kMaxValue = 32767;  // SEMVMX

  // How long before its time a sleep with a timeout may end, ns. Linux measured it in ticks of its
  // clock until 5.19 ("ipc: update semtimedop() to use hrtimer"). Ticks that are counted late make
  // it shorter: semtimedop() of 5.10 in a virtual machine, on a host that is busy, is up to 4 ms
  // early, and nothing but the host's scheduler says how much more that can be.
  static int64_t MostEarly(const Dialect& dialect);

  // The limits are those of the dialect. No set exists.
  explicit SysvSem(const Dialect& dialect = Dialect());

  // Finds or makes a set. EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC (semget(2)).
  Result Step(const Semget& call, const Caller& caller, Choice& choice);
  // E2BIG, EACCES, EAGAIN, EFAULT, EFBIG, EIDRM, EINTR, EINVAL, ENOMEM, ERANGE (semop(2)).
  Result Step(const Semop& call, const Caller& caller, Choice& choice);

  // semctl(2). EINVAL: no such set, or semaphore; EIDRM: the set was removed. EACCES when
  // permission to read is missing, or to alter for SETVAL and SETALL.
  Result Step(const SemGetVal& call, const Caller& caller, Choice& choice);
  Result Step(const SemSetVal& call, const Caller& caller, Choice& choice);  // ERANGE
  Result Step(const SemGetAll& call, const Caller& caller, Choice& choice);  // EFAULT
  Result Step(const SemSetAll& call, const Caller& caller, Choice& choice);  // EFAULT, ERANGE
  Result Step(const SemGetPid& call, const Caller& caller, Choice& choice);
  Result Step(const SemGetNcnt& call, const Caller& caller, Choice& choice);
  Result Step(const SemGetZcnt& call, const Caller& caller, Choice& choice);
  Result Step(const SemStat& call, const Caller& caller, Choice& choice);    // EFAULT
  Result Step(const SemSet& call, const Caller& caller, Choice& choice);     // EFAULT, EPERM
  Result Step(const SemRemove& call, const Caller& caller, Choice& choice);  // EPERM
  // Need no set, and no permission.
  Result Step(const SemLimits& call, const Caller& caller, Choice& choice);
  Result Step(const SemUsage& call, const Caller& caller, Choice& choice);
  // SEM_STAT needs permission to read (EACCES), SEM_STAT_ANY does not. EINVAL: nothing there.
  Result Step(const SemStatIndex& call, const Caller& caller, Choice& choice);
  Result Step(const SemBadCommand& call, const Caller& caller, Choice& choice);  // EINVAL
  // /proc/sysvipc/sem (proc_sysvipc(5)): all sets, whoever asks.
  Result List(Choice& choice);
  // Limits of what is made from now on; what exists stays. proc(5).
  Result Step(const SetSemLimits& call, const Caller& caller, Choice& choice);

  // The last user of a list of adjustments is gone: all are applied (semop(2), clone(2)).
  void OnLastExit(int undo_list, const Caller& caller);
  // The same for one set ahead of the others: the n-th of those that the list has adjustments of.
  // False when there are not so many.
  bool UndoAhead(int undo_list, int n, const Caller& caller);

  // Forgets who used semaphores last, and when.
  void ForgetUses();

  bool operator==(const SysvSem&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const SysvSem& s) {
    return H::combine(std::move(h), s.sets_, s.limits_);
  }

 private:
  struct Semaphore {
    int32_t value = 0;
    int32_t pid = -1;  // sempid: the task that changed or tested it last, -1 for none
    bool operator==(const Semaphore&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Semaphore& s) {
      return H::combine(std::move(h), s.value, s.pid);
    }
  };

  struct Adjustment {  // semadj, where it is not 0
    int32_t list = 0;
    int32_t num = 0;
    int64_t amount = 0;
    std::pair<int32_t, int32_t> place() const { return {list, num}; }
    bool operator==(const Adjustment&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Adjustment& a) {
      return H::combine(std::move(h), a.list, a.num, a.amount);
    }
  };

  struct Set {
    IpcPerm perm;
    IpcTime otime;  // last semop
    IpcTime ctime;  // made, or last IPC_SET, SETVAL, SETALL
    absl::InlinedVector<Semaphore, 4> semaphores;
    std::vector<Adjustment> adjustments;  // by place()

    int64_t size() const { return static_cast<int64_t>(semaphores.size()); }
    bool Has(int64_t num) const { return num >= 0 && num < size(); }
    int64_t AdjustmentOf(int list, int num) const;
    void Adjust(int list, int num, int64_t amount);
    void Forget(int num);
    // Applies the adjustments of the list.
    void Undo(int list, const Caller& caller);

    bool operator==(const Set&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Set& s) {
      return H::combine(std::move(h), s.perm, s.semaphores, s.adjustments);
    }
  };

  struct Limits {
    int64_t semmsl = 0, semmns = 0, semopm = 0, semmni = 0;
    bool operator==(const Limits&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Limits& l) {
      return H::combine(std::move(h), l.semmsl, l.semmns, l.semopm, l.semmni);
    }
  };

  // How far an array of operations gets in the state at hand.
  struct Attempt {
    enum What { kProceeds, kBlocks, kOutOfRange };
    What what = kProceeds;
    size_t at = 0;  // the operation that blocks or is out of range
  };
  // `choice` says whether a large adjustment is out of range; null: it is not.
  static Attempt Try(const Set& set, absl::Span<const Sembuf> ops, int undo_list,
                     const Choice* choice);

  int64_t SemaphoresInAll() const;

  // What semop checks before it sleeps.
  Errors CheckSemop(const Set* set, const Semop& call, const Caller& caller,
                    const Choice& choice) const;

  // Finds the set for semctl and checks permission; adds to `errors` what is wrong.
  Set* ForControl(int64_t id, int want, const Caller& caller, const Choice& choice, Errors& errors);
  // The same, and the semaphore.
  Semaphore* ForControl(int64_t id, int64_t num, int want, const Caller& caller,
                        const Choice& choice, Errors& errors);
  Result CountWaiting(int64_t id, int64_t num, bool for_zero, const Caller& caller, Choice& choice);
  static Outcome Stat(const Set& set, int64_t ret, Choice& choice);

  IpcTable<Set> sets_;
  Limits limits_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_SYSV_SEM_H_

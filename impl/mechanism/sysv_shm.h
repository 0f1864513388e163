// System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2), sysvipc(7), proc(5).
//
// A segment is memory with a name. shmget() makes one, of a size that never changes, full of zero
// bytes; shmat() shows it in an address space, as often as it is called, and shmdt() takes it out.
// Whoever has it attached sees the others' stores at once. fork() inherits attaches, exec and exit
// detach them all (shmop(2)).
//
// A segment with its contents stays until IPC_RMID, whoever ends. While somebody has it attached
// IPC_RMID only marks it (SHM_DEST): its key is free at once, its identifier works on, on Linux
// even for shmat, and the last detach destroys it. With kernel/shm_rmid_forced a segment goes with
// its last detach in any case, and one that is never attached with the process that made it.
//
// This class is the state of one IPC namespace. It does not know who has what attached: mappings
// are in address spaces (memory.h), and whoever has the whole at hand (impl/reference) tells how
// many there are. While a segment is attached its bytes are an object of the whole's memory, which
// `object` names; else they rest here.
#ifndef IPCSPEC_IMPL_MECHANISM_SYSV_SHM_H_
#define IPCSPEC_IMPL_MECHANISM_SYSV_SHM_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "impl/call/ipc_calls.h"
#include "impl/call/sysv_shm_calls.h"
#include "impl/mechanism/memory.h"
#include "impl/mechanism/step.h"
#include "impl/mechanism/sysv_ids.h"

namespace ipcspec {

// The task that did something last, as far as it is known: one of several where the documents do
// not say whether what the others did counts.
class LastTask {
 public:
  // The caller did it. What overlaps may have happened in either order: if a call took effect that
  // had not returned when this one was made, that one may still be the last.
  void Is(const Caller& caller);
  // The task may count from now on, with what the caller does; Linux counts it.
  void MayBe(int task, const Caller& caller);
  int64_t Read(size_t field, Choice& choice) const;

  // `usual_` only serves Read(): states that differ in it allow the same.
  bool operator==(const LastTask& o) const { return tasks_ == o.tasks_ && noted_ == o.noted_; }

 private:
  absl::InlinedVector<int32_t, 2> tasks_ = {-1};  // sorted
  int32_t usual_ = -1;
  int64_t noted_ = -1;  // the latest time at which one of them did it
};

class SysvShm {
 public:
  static constexpr int64_t kMinSize = 1;  // SHMMIN

  struct Segment {
    IpcPerm perm;
    int64_t size = 0;        // as it was asked for
    MemoryObject resting;    // its bytes while nobody has it attached, whole pages
    int object = -1;         // its number in World::memory while somebody has
    bool removed = false;    // IPC_RMID came: it goes with its last attach
    bool locked = false;     // SHM_LOCK
    int64_t locked_by = -1;  // the user whose limit that counts against
    int creator = -1;        // the task
    bool orphan = false;     // the creator has ended
    bool doubtful = false;   // shm_rmid_forced may have destroyed it: documents differ
    IpcTime atime, dtime, ctime;
    LastTask last;  // to attach or detach

    bool attached() const { return object >= 0; }
    // Whole pages that it takes; and as bytes.
    int64_t pages(const Dialect& d) const { return size / d.page_size + (size % d.page_size != 0); }
    int64_t length(const Dialect& d) const;

    bool operator==(const Segment&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Segment& s) {
      return H::combine(std::move(h), s.perm, s.size, s.resting, s.object, s.removed, s.locked);
    }
  };

  // How often an object of memory is attached. Linux counts a mapping that was split as several.
  struct Attaches {
    int64_t attaches = 0;
    int64_t mappings = 0;
  };
  using Count = absl::FunctionRef<Attaches(int object)>;

  explicit SysvShm(const Dialect& = Dialect()) {}

  // Finds or makes a segment. EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, EPERM (shmget(2)).
  Result Step(const Shmget& call, const Caller& caller, Choice& choice);

  // shmctl(2). EINVAL: no such segment; EIDRM: it was removed.
  Result Step(const ShmSet& call, const Caller& caller, Choice& choice);     // EFAULT, EPERM
  Result Step(const ShmRemove& call, const Caller& caller, Choice& choice);  // EPERM
  Result Step(const ShmLock& call, const Caller& caller, Choice& choice);    // ENOMEM, EPERM
  Result Step(const ShmUnlock& call, const Caller& caller, Choice& choice);  // EPERM
  // Need no segment, and no permission.
  Result Step(const ShmLimits& call, const Caller& caller, Choice& choice);
  Result Step(const ShmUsage& call, const Caller& caller, Choice& choice);
  Result Step(const ShmBadCommand& call, const Caller& caller, Choice& choice);  // EINVAL
  // IPC_STAT needs permission to read (EACCES). EFAULT.
  Result Stat(const ShmStat& call, Count count, const Caller& caller, Choice& choice);
  // So does SHM_STAT, and SHM_STAT_ANY does not. EINVAL: nothing there.
  Result Stat(const ShmStatIndex& call, Count count, const Caller& caller, Choice& choice);
  // /proc/sysvipc/shm (proc_sysvipc(5)): all segments, whoever asks.
  Result List(Count count, const Caller& caller, Choice& choice);

  // What shmat checks of the segment: EACCES, EIDRM, EINVAL. Null: there is none.
  Segment* ForAttach(const Shmat& call, const Caller& caller, const Choice& choice, Errors& errors);
  // The segment whose bytes are that object of memory; null when it is none of these.
  const Segment* WithObject(int object) const;
  Segment* WithObject(int object) {
    return const_cast<Segment*>(std::as_const(*this).WithObject(object));
  }
  // Nobody has it attached any more. It keeps its bytes, or is destroyed with them.
  void LetRest(Segment* segment, MemoryObject bytes, const IpcLimits& limits);

  bool HasCreator(int task) const;
  // A process ended, or went to another namespace: what it made has no creator here any more.
  void OnCreatorGone(int task, bool ended, const IpcLimits& limits);
  // kernel/shm_rmid_forced was set to 1: what nobody has attached goes (proc(5)).
  void OnRmidForced();

  // Forgets who used segments last, and when.
  void ForgetUses();

  bool operator==(const SysvShm&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const SysvShm& s) {
    return H::combine(std::move(h), s.segments_);
  }

 private:
  int64_t PagesInAll(const Dialect& dialect) const;
  // How many segments may be gone.
  int64_t Doubtful() const;
  int64_t HighestIndex(const Caller& caller, Choice& choice);
  // Destroys what nobody has attached, as far as it is sure to go.
  void Sweep();

  // Finds the segment and checks permission; adds to `errors` what is wrong.
  Segment* ForControl(int64_t id, int want, const Caller& caller, const Choice& choice,
                      Errors& errors);
  static Outcome Show(const Segment& segment, int64_t ret, Count count, const Caller& caller,
                      Choice& choice);
  static int64_t ShowAttaches(const Segment& segment, size_t field, Count count,
                              const Caller& caller, Choice& choice);
  Result MakeNew(const Shmget& call, const Caller& caller, Choice& choice);

  IpcTable<Segment> segments_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_SYSV_SHM_H_

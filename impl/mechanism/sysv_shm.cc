// shmget, and what becomes of segments when they are attached and detached; shmctl is in
// sysv_shm_ctl.cc.
#include "impl/mechanism/sysv_shm.h"

#include <sys/ipc.h>
#include <sys/shm.h>

#include <algorithm>

namespace ipcspec {

void LastTask::Is(const Caller& caller) {
  if (noted_ < caller.invoked) tasks_.clear();
  MayBe(caller.process, caller);
}

void LastTask::MayBe(int task, const Caller& caller) {
  usual_ = task;
  noted_ = std::max(noted_, caller.latest);
  const auto at = std::lower_bound(tasks_.begin(), tasks_.end(), task);
  if (at == tasks_.end() || *at != task) tasks_.insert(at, task);
}

int64_t LastTask::Read(size_t field, Choice& choice) const {
  int64_t shown = usual_;
  for (const int32_t task : tasks_) shown = choice.Value(field, task, task, shown);
  return shown;
}

int64_t SysvShm::Segment::length(const Dialect& d) const {
  return std::min(pages(d), INT64_MAX / d.page_size) * d.page_size;
}

int64_t SysvShm::PagesInAll(const Dialect& dialect) const {
  int64_t pages = 0;
  for (const Segment& s : segments_.all()) pages += s.pages(dialect);
  return pages;
}

int64_t SysvShm::Doubtful() const {
  return std::count_if(segments_.all().begin(), segments_.all().end(),
                       [](const Segment& s) { return s.doubtful; });
}

Result SysvShm::Step(const Shmget& call, const Caller& caller, Choice& choice) {
  Segment* const found = segments_.FindKey(call.key.value);
  if (found == nullptr) return MakeNew(call, caller, choice);
  if (found->doubtful) {
    const bool another = choice.SawSuccess() && choice.seen()->ret != found->perm.id;
    if (another) segments_.Remove(found);
    if (another || choice.SawError(ENOENT)) return MakeNew(call, caller, choice);
  }
  Errors errors;
  errors.If(call.flags.has(IPC_CREAT | IPC_EXCL), EEXIST);
  errors.If(call.size < 0 || call.size > found->size, EINVAL);
  errors.If(found->perm.DeniesFlags(call.flags.bits, caller, choice), EACCES);
  if (errors.any()) return choice.FailWithAny(errors);
  return Done(segments_.Tell(found, choice));
}

Result SysvShm::MakeNew(const Shmget& call, const Caller& caller, Choice& choice) {
  // IPC_PRIVATE makes a segment whatever the flags say.
  if (static_cast<int32_t>(call.key.value) != IPC_PRIVATE && !call.flags.has(IPC_CREAT)) {
    return Fail(ENOENT);
  }
  const IpcLimits& limits = *caller.limits;
  // The sum may count what is gone.
  const auto full = [&](bool over) { return over && (Doubtful() == 0 || !choice.SawSuccess()); };
  Segment segment{.size = call.size};
  const int64_t pages = PagesInAll(*caller.dialect) + segment.pages(*caller.dialect);

  Errors errors;
  errors.If(call.size < kMinSize || call.size > limits.Get(Limit::kShmmax), EINVAL);
  errors.If(call.size > 0 && full(pages > limits.Get(Limit::kShmall)), ENOSPC);
  errors.If(full(static_cast<int64_t>(segments_.all().size()) >= limits.Get(Limit::kShmmni)),
            ENOSPC);
  if (call.flags.has(SHM_HUGETLB)) {
    // Huge pages need privilege or membership of a group (EPERM), have to be reserved (ENOMEM), and
    // a kernel need not have any.
    for (const int refusal : {EPERM, EINVAL, ENOSYS, ENODEV, ENOENT}) {
      errors.If(choice.SawError(refusal), refusal);
    }
    const int usual = caller.Can(Capability::kIpcLock) ? ENOMEM : EPERM;
    errors.If(choice.mode() == Choice::Mode::kUsual, usual);
  }
  // A size that only an unsigned number holds is refused one way or another.
  errors.If(call.size < 0 && choice.SawError(ENOSPC), ENOSPC);
  errors.If(choice.SawError(ENOMEM), ENOMEM);
  if (errors.any()) return choice.FailWithAny(errors);

  segment.perm = IpcPerm::New(call.key.value, call.flags.bits, caller);
  segment.creator = caller.process;
  segment.ctime.Touch(caller);
  segment.resting.size = segment.length(*caller.dialect);
  return Done(segments_.Add(std::move(segment), choice, TakeNextId(caller, Limit::kShmNextId)));
}

SysvShm::Segment* SysvShm::ForAttach(const Shmat& call, const Caller& caller, const Choice& choice,
                                     Errors& errors) {
  const int want = call.flags.has(SHM_RDONLY) ? kIpcRead : kIpcRead | kIpcWrite;
  Segment* const segment = ForControl(call.id.value, want, caller, choice, errors);
  if (segment == nullptr || !call.flags.has(SHM_EXEC)) return segment;
  // shmop(2) asks for execute permission, as Linux does; shmctl(2) says that it is not needed.
  constexpr int kExecute = 1;
  errors.If(segment->perm.Denies(kExecute, caller, choice) &&
                (choice.mode() == Choice::Mode::kUsual || choice.SawError(EACCES)),
            EACCES);
  return segment;
}

const SysvShm::Segment* SysvShm::WithObject(int object) const {
  for (const Segment& segment : segments_.all()) {
    if (segment.object == object) return &segment;
  }
  return nullptr;
}

void SysvShm::LetRest(Segment* segment, MemoryObject bytes, const IpcLimits& limits) {
  segment->object = -1;
  segment->resting = std::move(bytes);
  segment->resting.holders = 0;
  segment->removed |= limits.Get(Limit::kShmRmidForced) == 1;
  Sweep();
}

bool SysvShm::HasCreator(int task) const {
  return std::any_of(segments_.all().begin(), segments_.all().end(),
                     [&](const Segment& s) { return s.creator == task && !s.orphan; });
}

void SysvShm::OnCreatorGone(int task, bool ended, const IpcLimits& limits) {
  for (Segment& segment : segments_.all()) {
    if (segment.creator != task) continue;
    segment.orphan = true;
    if (limits.Get(Limit::kShmRmidForced) != 1 || segment.attached()) continue;
    // proc(5) speaks of the creator's end only.
    (ended ? segment.removed : segment.doubtful) = true;
  }
  Sweep();
}

void SysvShm::OnRmidForced() {
  for (Segment& segment : segments_.all()) {
    if (segment.attached()) continue;
    // proc(5): it goes now. Linux spares it while its creator lives.
    (segment.orphan ? segment.removed : segment.doubtful) = true;
  }
  Sweep();
}

void SysvShm::Sweep() {
  for (size_t i = segments_.all().size(); i-- > 0;) {
    Segment& segment = segments_.all()[i];
    if (segment.removed && !segment.attached()) segments_.Remove(&segment);
  }
}

}  // namespace ipcspec

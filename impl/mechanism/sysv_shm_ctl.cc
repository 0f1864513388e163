// shmctl(2).
#include <sys/ipc.h>
#include <sys/shm.h>

#include "impl/mechanism/sysv_shm.h"

namespace ipcspec {
namespace {

// The two bits of a mode that Linux adds to the nine.
constexpr int64_t kRemovedBit = SHM_DEST;
constexpr int64_t kLockedBit = SHM_LOCKED;

// Where kShmidFields has what is worked on here.
enum Field : size_t { kMode = 5, kNattch = 7, kLpid = 9, kAtime, kDtime, kCtime };

// Limits from here on are none, however they are written.
constexpr int64_t kUnlimited = int64_t{1} << 62;

// The mode as it is shown, with the bits that Linux adds.
int64_t WithFlags(int64_t mode, const SysvShm::Segment& segment) {
  return (mode & ~(kRemovedBit | kLockedBit)) | (segment.removed ? kRemovedBit : 0) |
         (segment.locked ? kLockedBit : 0);
}

}  // namespace

SysvShm::Segment* SysvShm::ForControl(int64_t id, int want, const Caller& caller,
                                      const Choice& choice, Errors& errors) {
  Segment* const segment = segments_.Find(id);
  const bool may_be_gone = segment != nullptr && segment->doubtful;
  if (segment == nullptr || (may_be_gone && (choice.SawError(EINVAL) || choice.SawError(EIDRM)))) {
    errors.If(true, EINVAL);
    errors.If(may_be_gone || segments_.WasRemoved(id), EIDRM);
    return nullptr;
  }
  errors.If(want != 0 && segment->perm.Denies(want, caller, choice), EACCES);
  return segment;
}

int64_t SysvShm::ShowAttaches(const Segment& segment, size_t field, Count count,
                              const Caller& caller, Choice& choice) {
  // A shmat that has not returned may count already, and twice: for itself, and for its mapping.
  // Linux holds the segment so while it maps it, which shmctl(2) does not say and does not forbid.
  int64_t under_way = 0;
  for (const Waiting& other : caller.waiting()) {
    const Shmat* const shmat = std::get_if<Shmat>(other.call);
    if (shmat != nullptr && shmat->id.value == segment.perm.id) under_way += 2;
  }
  const Attaches attached = segment.attached() ? count(segment.object) : Attaches();
  return choice.Value(field, attached.attaches, attached.mappings + under_way, attached.mappings);
}

Outcome SysvShm::Show(const Segment& segment, int64_t ret, Count count, const Caller& caller,
                      Choice& choice) {
  Outcome outcome = Returns(ret);
  segment.perm.Show(choice, outcome);
  outcome.values[kMode] = WithFlags(outcome.values[kMode], segment);
  outcome.values.push_back(segment.size);
  outcome.values.push_back(ShowAttaches(segment, kNattch, count, caller, choice));
  outcome.values.push_back(segment.creator);
  outcome.values.push_back(segment.last.Read(kLpid, choice));
  outcome.values.push_back(segment.atime.Read(kAtime, choice));
  outcome.values.push_back(segment.dtime.Read(kDtime, choice));
  outcome.values.push_back(segment.ctime.Read(kCtime, choice));
  return outcome;
}

Result SysvShm::List(Count count, const Caller& caller, Choice& choice) {
  constexpr size_t kColumns = kShmColumns.size();
  Outcome outcome;
  for (const Segment& segment : segments_.Listed(kColumns, choice)) {
    const size_t line = outcome.values.size();
    if (segment.doubtful && choice.SawSuccess()) {
      const auto& seen = choice.seen()->values;
      if (line + 1 >= seen.size() || seen[line + 1] != segment.perm.id) continue;
    }
    segment.perm.ListName(choice, outcome);
    outcome.values.back() = WithFlags(outcome.values.back(), segment);
    outcome.values.push_back(segment.size);
    outcome.values.push_back(segment.creator);
    outcome.values.push_back(segment.last.Read(line + 5, choice));
    outcome.values.push_back(ShowAttaches(segment, line + 6, count, caller, choice));
    segment.perm.ListOwners(choice, outcome);
    for (const IpcTime* time : {&segment.atime, &segment.dtime, &segment.ctime}) {
      outcome.values.push_back(time->Read(outcome.values.size(), choice));
    }
  }
  outcome.ret = static_cast<int64_t>(outcome.values.size() / kColumns);
  return Done(std::move(outcome));
}

Result SysvShm::Stat(const ShmStat& call, Count count, const Caller& caller, Choice& choice) {
  Errors errors;
  const Segment* const segment = ForControl(call.id.value, kIpcRead, caller, choice, errors);
  errors.If(call.memory == Memory::kBad, EFAULT);
  if (errors.any()) return choice.FailWithAny(errors);
  return Done(Show(*segment, 0, count, caller, choice));
}

Result SysvShm::Stat(const ShmStatIndex& call, Count count, const Caller& caller, Choice& choice) {
  const Segment* const segment = segments_.AtIndex(call.index, *caller.dialect, choice);
  if (segment == nullptr || (segment->doubtful && choice.SawError(EINVAL))) return Fail(EINVAL);
  if (!call.any && segment->perm.Denies(kIpcRead, caller, choice)) return Fail(EACCES);
  return Done(Show(*segment, segment->perm.id, count, caller, choice));
}

Result SysvShm::Step(const ShmSet& call, const Caller& caller, Choice& choice) {
  Errors errors;
  errors.If(call.memory == Memory::kBad, EFAULT);
  Segment* const segment = ForControl(call.id.value, 0, caller, choice, errors);
  if (segment != nullptr) segment->perm.CheckSet(call.uid, call.gid, caller, choice, errors);
  if (errors.any()) return choice.FailWithAny(errors);
  segment->perm.Set(call.uid, call.gid, call.mode.bits, caller);
  segment->ctime.Touch(caller);
  return Done(0);
}

Result SysvShm::Step(const ShmRemove& call, const Caller& caller, Choice& choice) {
  Errors errors;
  Segment* const segment = ForControl(call.id.value, 0, caller, choice, errors);
  errors.If(segment != nullptr && !segment->perm.MayControl(caller), EPERM);
  if (errors.any()) return choice.FailWithAny(errors);
  segment->removed = true;
  segment->perm.key = IPC_PRIVATE;  // the key is free for another
  Sweep();
  return Done(0);
}

Result SysvShm::Step(const ShmLock& call, const Caller& caller, Choice& choice) {
  Errors errors;
  Segment* const segment = ForControl(call.id.value, 0, caller, choice, errors);
  const int64_t limit = caller.dialect->max_locked;
  if (segment != nullptr && !caller.Can(Capability::kIpcLock)) {
    const int64_t uid = caller.creds.uid;
    errors.If((uid != segment->perm.uid && uid != segment->perm.cuid) || limit == 0, EPERM);
    // The user may have locked other memory too, elsewhere.
    int64_t pages = segment->pages(*caller.dialect);
    for (const Segment& s : segments_.all()) {
      if (s.locked && s.locked_by == uid) pages += s.pages(*caller.dialect);
    }
    errors.If(!segment->locked && pages > limit / caller.dialect->page_size, ENOMEM);
  }
  errors.If(segment != nullptr && choice.SawError(ENOMEM), ENOMEM);
  if (errors.any()) return choice.FailWithAny(errors);
  if (!segment->locked) segment->locked_by = caller.creds.uid;
  segment->locked = true;
  return Done(0);
}

Result SysvShm::Step(const ShmUnlock& call, const Caller& caller, Choice& choice) {
  Errors errors;
  Segment* const segment = ForControl(call.id.value, 0, caller, choice, errors);
  if (segment != nullptr && !caller.Can(Capability::kIpcLock)) {
    const int64_t uid = caller.creds.uid;
    errors.If(uid != segment->perm.uid && uid != segment->perm.cuid, EPERM);
    // shmctl(2) does not say whose limit of 0 matters.
    errors.If(caller.dialect->max_locked == 0 && choice.SawError(EPERM), EPERM);
  }
  if (errors.any()) return choice.FailWithAny(errors);
  segment->locked = false;
  segment->locked_by = -1;
  return Done(0);
}

int64_t SysvShm::HighestIndex(const Caller& caller, Choice& choice) {
  if (Doubtful() > 0) return choice.Number(0, INT32_MAX, 0);
  return segments_.HighestIndex(*caller.dialect, choice);
}

Result SysvShm::Step(const ShmLimits&, const Caller& caller, Choice& choice) {
  Outcome outcome = Returns(HighestIndex(caller, choice));
  const auto show = [&](Limit limit) {
    const int64_t value = caller.limits->Get(limit);
    const int64_t lowest = std::min(value, kUnlimited),
                  highest = value < kUnlimited ? value : INT64_MAX;
    outcome.values.push_back(choice.Value(outcome.values.size(), lowest, highest, value));
  };
  show(Limit::kShmmax);
  outcome.values.push_back(kMinSize);
  show(Limit::kShmmni);
  show(Limit::kShmall);
  return Done(std::move(outcome));
}

Result SysvShm::Step(const ShmUsage&, const Caller& caller, Choice& choice) {
  const int64_t segments = static_cast<int64_t>(segments_.all().size());
  const int64_t pages = PagesInAll(*caller.dialect);
  const int64_t doubtful = Doubtful();
  Outcome outcome = Returns(HighestIndex(caller, choice));
  outcome.values = {choice.Value(0, segments - doubtful, segments, segments),
                    choice.Value(1, doubtful > 0 ? 0 : pages, pages, pages)};
  return Done(std::move(outcome));
}

Result SysvShm::Step(const ShmBadCommand& call, const Caller&, Choice& choice) {
  Errors errors;
  errors.If(true, EINVAL);
  errors.If(segments_.WasRemoved(call.id.value), EIDRM);
  return choice.FailWithAny(errors);
}

void SysvShm::ForgetUses() {
  for (Segment& segment : segments_.all()) {
    segment.atime = segment.dtime = segment.ctime = {};
    segment.last = {};
  }
}

}  // namespace ipcspec

#include "impl/mechanism/sysv_ids.h"

namespace ipcspec {
namespace {

// A wall clock read by the kernel may lag its finer clocks by a tick, and is cut to seconds.
constexpr int64_t kSlackSeconds = 2;
constexpr int64_t kNanosPerSecond = 1000000000;

// A 32 bit number comes out signed or unsigned: whichever was seen.
int64_t Same32(size_t field, int64_t want, Choice& choice) {
  const int64_t other = want < 0 ? want + (int64_t{1} << 32) : want - (int64_t{1} << 32);
  return choice.Value(field, other, other, want);
}

}  // namespace

IpcPerm IpcPerm::New(int64_t key, int64_t flags, const Caller& caller) {
  IpcPerm perm;
  perm.key = static_cast<int32_t>(key);
  perm.uid = perm.cuid = caller.creds.uid;
  perm.gid = perm.cgid = caller.creds.gid;
  perm.mode = flags & 0777;
  return perm;
}

int IpcPerm::ClassShift(const Credentials& creds) const {
  // The creator stands beside the owner, and its group beside the owner's (POSIX.1-2024 2.7).
  if (creds.uid == uid || creds.uid == cuid) return 6;
  if (creds.InGroup(gid) || creds.InGroup(cgid)) return 3;
  return 0;
}

int IpcPerm::Granted(const Caller& caller) const {
  if (caller.Can(Capability::kIpcOwner)) return 7;  // CAP_IPC_OWNER
  return static_cast<int>(mode >> ClassShift(caller.creds)) & 7;
}

bool IpcPerm::Denies(int want, const Caller& caller, const Choice& choice) const {
  if ((want & ~Granted(caller)) == 0) return false;
  const bool may_predate = set_at >= 0 && caller.invoked <= set_at;
  return !may_predate || choice.SawError(EACCES);
}

bool IpcPerm::DeniesFlags(int64_t flags, const Caller& caller, const Choice& choice) const {
  constexpr int kMeaningful = kIpcRead | kIpcWrite;
  const int granted = Granted(caller);
  const int asked = static_cast<int>((flags >> 6) | (flags >> 3) | flags) & 7;
  const int missing = asked & ~granted;
  if (missing == 0) return false;
  // Linux takes together what is asked for the three classes, and counts the execute bits. What is
  // asked for the caller's own class surely counts, and so does any bit when the caller may do
  // nothing at all.
  const int own = static_cast<int>(flags >> ClassShift(caller.creds)) & kMeaningful;
  const bool surely =
      (missing & kMeaningful) != 0 && ((own & ~granted) != 0 || (granted & kMeaningful) == 0);
  return surely || choice.mode() == Choice::Mode::kUsual || choice.SawError(EACCES);
}

bool IpcPerm::MayControl(const Caller& caller) const {
  return caller.creds.uid == uid || caller.creds.uid == cuid || caller.Can(Capability::kSysAdmin);
}

void IpcPerm::CheckSet(int64_t new_uid, int64_t new_gid, const Caller& caller, const Choice& choice,
                       Errors& errors) const {
  errors.If(!MayControl(caller), EPERM);
  // A number that the user namespace does not map is refused (user_namespaces(7)).
  const auto known = [](int64_t id, int64_t a, int64_t b) { return id == a || id == b; };
  const bool mapped =
      known(new_uid, uid, caller.creds.uid) && known(new_gid, gid, caller.creds.gid);
  const bool none =
      static_cast<uint32_t>(new_uid) == UINT32_MAX || static_cast<uint32_t>(new_gid) == UINT32_MAX;
  errors.If(none || (!mapped && choice.SawError(EINVAL)), EINVAL);
}

void IpcPerm::ListName(Choice& choice, Outcome& outcome) const {
  const size_t at = outcome.values.size();
  outcome.values.insert(outcome.values.end(), {key, id, ShownMode(at + 2, choice)});
}

void IpcPerm::ListOwners(Choice& choice, Outcome& outcome) const {
  for (const int64_t number : {uid, gid, cuid, cgid}) {
    outcome.values.push_back(Same32(outcome.values.size(), number, choice));
  }
}

int64_t IpcPerm::ShownMode(size_t field, Choice& choice) const {
  return (choice.Value(field, 0, INT64_MAX, 0) & ~int64_t{0777}) | mode;
}

void IpcPerm::Show(Choice& choice, Outcome& outcome) const {
  outcome.values.push_back(Same32(outcome.values.size(), key, choice));
  ListOwners(choice, outcome);
  outcome.values.push_back(ShownMode(outcome.values.size(), choice));
}

void IpcPerm::Set(int64_t new_uid, int64_t new_gid, int64_t new_mode, const Caller& caller) {
  uid = new_uid;
  gid = new_gid;
  mode = new_mode & 0777;
  set_at = std::max(set_at, caller.latest);
}

void IpcTime::Touch(const Caller& caller) {
  const int64_t start = caller.dialect->wall_start;
  const int64_t earliest = start + caller.earliest / kNanosPerSecond - kSlackSeconds;
  lowest_ = std::max({lowest_, earliest, int64_t{1}});
  MayTouch(caller, true);
}

void IpcTime::MayTouch(const Caller& caller, bool usually) {
  const int64_t start = std::max<int64_t>(caller.dialect->wall_start, 0);
  const int64_t latest = start + caller.latest / kNanosPerSecond;
  const bool unknown = caller.dialect->wall_start < 0;
  highest_ = std::max(highest_, unknown ? INT64_MAX : latest + kSlackSeconds);
  if (usually) usual_ = std::max({usual_, latest, int64_t{1}});
}

int64_t TakeNextId(const Caller& caller, Limit next_id) {
  const int64_t asked = caller.limits->Get(next_id);
  caller.limits->Set(next_id, -1);
  return asked;
}

int64_t IpcIds::Usual(absl::Span<const int64_t> living) const {
  // Indices are taken in turn.
  int64_t id = last_ + 1;
  while (WasFreed(id) || std::find(living.begin(), living.end(), id) != living.end()) ++id;
  return id;
}

bool IpcIds::WasFreed(int64_t id) const {
  return std::binary_search(freed_.begin(), freed_.end(), id);
}

void IpcIds::Free(int64_t id) {
  const int32_t freed = static_cast<int32_t>(id);
  freed_.insert(std::lower_bound(freed_.begin(), freed_.end(), freed), freed);
}

}  // namespace ipcspec

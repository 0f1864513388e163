#include "conformance/sysv_ipc_kinds.h"

namespace ipcspec {
namespace {

// Bits of an identifier that are the index (impl/mechanism/sysv_ids.h).
constexpr int64_t kIndexMask = 0x7fff;

}  // namespace

const std::vector<Kind>& Kinds() {
  static const auto* kinds = new std::vector<Kind>{
      {IpcKind::kSem, "Sem", "semaphore sets", Limit::kSemNextId},
      {IpcKind::kMsg, "Msg", "message queues", Limit::kMsgNextId},
      {IpcKind::kShm, "Shm", "shared memory", Limit::kShmNextId},
  };
  return *kinds;
}

Call Kind::Get(int64_t key, int64_t flags) const {
  switch (kind) {
    case IpcKind::kSem:
      return Semget{.key = key, .nsems = 1, .flags = flags};
    case IpcKind::kMsg:
      return Msgget{.key = key, .flags = flags};
    case IpcKind::kShm:
      return Shmget{.key = key, .size = 4096, .flags = flags};
  }
  return Await{};
}

Call Kind::Stat(int64_t id) const {
  switch (kind) {
    case IpcKind::kSem:
      return SemStat{.id = id};
    case IpcKind::kMsg:
      return MsgStat{.id = id};
    case IpcKind::kShm:
      return ShmStat{.id = id};
  }
  return Await{};
}

Call Kind::StatIndex(int64_t id, bool any) const {
  const int64_t index = id & kIndexMask;
  switch (kind) {
    case IpcKind::kSem:
      return SemStatIndex{.index = index, .any = any};
    case IpcKind::kMsg:
      return MsgStatIndex{.index = index, .any = any};
    case IpcKind::kShm:
      return ShmStatIndex{.index = index, .any = any};
  }
  return Await{};
}

Call Kind::Alter(int64_t id) const {
  switch (kind) {
    case IpcKind::kSem:
      return Semop{.id = id, .ops = {{0, 1}}};
    case IpcKind::kMsg:
      return Msgsnd{.id = id, .type = 1, .data = "x", .flags = IPC_NOWAIT};
    case IpcKind::kShm:
      return Shmat{.id = id};
  }
  return Await{};
}

Call Kind::Set(int64_t id, int64_t uid, int64_t gid, int64_t mode) const {
  switch (kind) {
    case IpcKind::kSem:
      return SemSet{.id = id, .uid = uid, .gid = gid, .mode = mode};
    case IpcKind::kMsg:
      return MsgSet{.id = id, .uid = uid, .gid = gid, .mode = mode, .qbytes = 1024};
    case IpcKind::kShm:
      return ShmSet{.id = id, .uid = uid, .gid = gid, .mode = mode};
  }
  return Await{};
}

Call Kind::Remove(int64_t id) const {
  switch (kind) {
    case IpcKind::kSem:
      return SemRemove{.id = id};
    case IpcKind::kMsg:
      return MsgRemove{.id = id};
    case IpcKind::kShm:
      return ShmRemove{.id = id};
  }
  return Await{};
}

std::vector<Call> Kind::All(int64_t id) const {
  std::vector<Call> all = {Stat(id), Alter(id), Set(id, 0, 0, 0600), Remove(id)};
  const auto add = [&all](std::initializer_list<Call> more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  switch (kind) {
    case IpcKind::kSem:
      add({SemGetVal{.id = id}, SemSetVal{.id = id}, SemGetAll{.id = id},
           SemSetAll{.id = id, .all = {0}}, SemGetPid{.id = id}, SemGetNcnt{.id = id},
           SemGetZcnt{.id = id}, Semop{.id = id, .ops = {{0, 0}}}});
      break;
    case IpcKind::kMsg:
      add({Msgrcv{.id = id, .flags = IPC_NOWAIT}});
      break;
    case IpcKind::kShm:
      add({Shmat{.id = id, .flags = 010000}, ShmLock{.id = id}, ShmUnlock{.id = id}});
      break;
  }
  return all;
}

size_t Kind::columns() const {
  return kind == IpcKind::kSem   ? kSemColumns.size()
         : kind == IpcKind::kMsg ? kMsgColumns.size()
                                 : kShmColumns.size();
}

size_t Kind::owners() const { return kind == IpcKind::kSem ? 4 : 7; }

testing::Matcher<const Outcome&> SaysGone() {
  return testing::AnyOf(FailsWith(EINVAL), FailsWith(EIDRM));
}

testing::Matcher<const Outcome&> Succeeds() { return testing::Field("error", &Outcome::error, 0); }

TaskHandle ForkAs(TaskHandle& a, int64_t uid, int64_t gid) {
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = uid, .gid = gid});
  return b;
}

TaskHandle ForkIntoNamespace(TaskHandle& a) {
  TaskHandle b = a.Fork();
  if (!b.Do(UnshareIpc{}).ok()) {
    throw ClauseEnds{ClauseEnds::kUnsupported, "this run cannot make an IPC namespace"};
  }
  return b;
}

int64_t PermOf(TaskHandle& task, const Kind& kind, int64_t id, PermField field) {
  const Outcome stat = task.Do(kind.Stat(id));
  return stat.ok() && stat.values.size() > static_cast<size_t>(field) ? stat.values[field] : -1;
}

}  // namespace ipcspec

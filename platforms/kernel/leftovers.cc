#include "platforms/kernel/leftovers.h"

#include <mqueue.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "impl/call/cat.h"
#include "impl/call/names.h"

namespace ipcspec {
namespace {

bool MakesNames(const Call& call) {
  return std::holds_alternative<Open>(call) || std::holds_alternative<Mkfifo>(call) ||
         std::holds_alternative<Mknod>(call) || std::holds_alternative<Mkdir>(call) ||
         std::holds_alternative<Symlink>(call) || std::holds_alternative<MountTmpfs>(call);
}

// Runs `remove` as this user, in a child.
template <class Remove>
void AsUser(unsigned uid, Remove remove) {
  const pid_t child = fork();
  if (child == 0) _exit(setresuid(uid, uid, uid) == 0 && remove() == 0 ? 0 : 1);
  while (child > 0 && waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// Each removes an object; as its owner, where the kernel does not let user 0 do it.
void RemoveSet(int id) {
  const auto remove = [id] { return semctl(id, 0, IPC_RMID); };
  semid_ds set = {};
  if (remove() == 0 || errno != EPERM || semctl(id, 0, IPC_STAT, &set) != 0) return;
  AsUser(set.sem_perm.uid, remove);
}
void RemoveQueue(int id) {
  const auto remove = [id] { return msgctl(id, IPC_RMID, nullptr); };
  msqid_ds queue = {};
  if (remove() == 0 || errno != EPERM || msgctl(id, IPC_STAT, &queue) != 0) return;
  AsUser(queue.msg_perm.uid, remove);
}
void RemoveSegment(int id) {
  const auto remove = [id] { return shmctl(id, IPC_RMID, nullptr); };
  shmid_ds segment = {};
  if (remove() == 0 || errno != EPERM || shmctl(id, IPC_STAT, &segment) != 0) return;
  AsUser(segment.shm_perm.uid, remove);
}

// An identifier that was asked for cannot be unasked: the next object uses it up. False for a limit
// of another kind.
bool UseUp(Limit limit) {
  switch (limit) {
    case Limit::kSemNextId:
      RemoveSet(semget(IPC_PRIVATE, 1, 0600));
      return true;
    case Limit::kMsgNextId:
      RemoveQueue(msgget(IPC_PRIVATE, 0600));
      return true;
    case Limit::kShmNextId:
      RemoveSegment(shmget(IPC_PRIVATE, 1, 0600));
      return true;
    default:
      return false;
  }
}

}  // namespace

void Leftovers::Note(const Call& call, const std::string& directory) {
  made_names_ |= MakesNames(call);
  changed_sem_limits_ |= std::holds_alternative<SetSemLimits>(call);
  if (const auto* set = std::get_if<SetLimit>(&call)) changed_limits_.insert(set->limit);
  if (const auto* mount = std::get_if<MountTmpfs>(&call)) {
    mounts_.push_back(Cat(directory, "/", mount->path));
  }
}

void Leftovers::NoteOutcome(const Call& call, const Outcome& outcome) {
  if (!outcome.ok()) return;
  const int id = static_cast<int>(outcome.ret);
  if (std::holds_alternative<Semget>(call)) sets_.push_back(id);
  if (std::holds_alternative<Msgget>(call)) queues_.push_back(id);
  if (std::holds_alternative<Shmget>(call)) segments_.push_back(id);
  if (const auto* open = std::get_if<MqOpen>(&call)) queue_names_.insert(open->name);
  if (const auto* open = std::get_if<ShmOpen>(&call)) shm_names_.insert(open->name);
  if (const auto* open = std::get_if<PsemOpen>(&call)) {
    const size_t name = std::min(open->name.find_first_not_of('/'), open->name.size());
    shm_names_.insert(Cat("/sem.", open->name.substr(name)));
  }
}

void Leftovers::TakeAway(const std::string& directory) {
  for (const std::string& path : mounts_) umount2(path.c_str(), MNT_DETACH);
  mounts_.clear();
  if (made_names_) {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  if (isolation_.ipc) {
    for (int id : sets_) RemoveSet(id);
    for (int id : queues_) RemoveQueue(id);
    for (int id : segments_) RemoveSegment(id);
    for (const std::string& name : queue_names_) mq_unlink(name.c_str());
    for (const std::string& name : shm_names_) shm_unlink(name.c_str());
    if (changed_sem_limits_) {
      std::ofstream("/proc/sys/kernel/sem") << dialect_.semmsl << " " << dialect_.semmns << " "
                                            << dialect_.semopm << " " << dialect_.semmni << "\n";
    }
    for (Limit limit : changed_limits_) {
      if (!UseUp(limit)) std::ofstream(LimitPath(limit)) << dialect_.Get(limit) << "\n";
    }
  }
  sets_.clear(), queues_.clear(), segments_.clear();
  queue_names_.clear(), shm_names_.clear();
  changed_sem_limits_ = false;
  changed_limits_.clear();
}

}  // namespace ipcspec

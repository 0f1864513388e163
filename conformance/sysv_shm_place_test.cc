// Clauses of System V shared memory: attaching where, or in what way, it may not be had, and clones
// that fail with segments attached: shmop(2), clone(2).
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

constexpr int kNattch = 7;  // of kShmidFields

ShmId Make(TaskHandle& task, int64_t mode = 0600) {
  return task.Must(Shmget{.size = 4096, .flags = IpcFlags(IPC_CREAT | mode)});
}

int64_t Attaches(TaskHandle& task, ShmId s) {
  const Outcome stat = task.Do(ShmStat{.id = s});
  return stat.ok() ? stat.values.at(kNattch) : -1;
}

CLAUSE(SysvShm, NoSuchAddresses, "shmop(2)",
       "What would lie, or reach, beyond the memory that a process can have is not attached") {
  const ShmId s = Make(a);
  const int64_t page = dialect().page_size, end = (int64_t{1} << 56) - page;
  for (const int64_t at : {-page, INT64_MIN, int64_t{1} << 62, end}) {
    EXPECT_THAT(a.Do(Shmat{.id = s, .address = at}),
                testing::AnyOf(FailsWith(EINVAL), FailsWith(ENOMEM)))
        << at;
  }
  EXPECT_EQ(Attaches(a, s), 0);
}

CLAUSE(SysvShm, LowestAddresses, "shmop(2)",
       "At the lowest addresses a segment is attached where asked, or not at all") {
  const ShmId s = Make(a);
  const int64_t page = dialect().page_size;
  const Outcome attached = a.Do(Shmat{.id = s, .address = page});
  EXPECT_EQ(Attaches(a, s), attached.ok() ? 1 : 0);
  if (attached.ok()) {
    EXPECT_THAT(attached, Gives(page));
    EXPECT_THAT(a.Do(Shmdt{.address = page}), Gives(0));
  }
}

CLAUSE(SysvShm, NoExecutePermission, "shmop(2)",
       "SHM_EXEC needs execute permission, on Linux: else EACCES; without it none is asked for") {
  RequiresOtherUsers();
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  const ShmId s = Make(b, 0600), t = Make(b, 0700);
  EXPECT_THAT(b.Do(Shmat{.id = t, .flags = SHM_EXEC}), testing::Field("error", &Outcome::error, 0));
  const Outcome attached = b.Do(Shmat{.id = s, .flags = SHM_EXEC});
  EXPECT_EQ(Attaches(b, s), attached.ok() ? 1 : 0);
  if (!attached.ok()) {
    EXPECT_THAT(attached, FailsWith(EACCES));
  }
  EXPECT_THAT(b.Do(Shmat{.id = s}), testing::Field("error", &Outcome::error, 0));
}

CLAUSE(SysvShm, CloneInVainAttachesNothing, "clone(2)",
       "After a clone that failed a segment is attached as often as before, and not more") {
  RequiresOtherUsers();
  const ShmId s = Make(a);
  TaskHandle b = a.Fork();
  const Address at = b.Must(Shmat{.id = s});
  b.Must(Mmap{.prot = PROT_READ, .flags = MAP_PRIVATE | MAP_ANONYMOUS});  // no attach
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(Clone{.flags = CLONE_NEWIPC}), FailsWith(EPERM));
  EXPECT_EQ(Attaches(a, s), 1);
  b.Must(Shmdt{.address = at});
  EXPECT_EQ(Attaches(a, s), 0);
}

}  // namespace
}  // namespace ipcspec

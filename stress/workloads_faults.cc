// Workloads whose tasks are stopped, become other programs, die while they make objects, or come to
// a tiny limit.
#include "stress/workloads.h"

namespace ipcspec {
namespace {

// Stops and continues each of the first two roles, which have one task each. It is never in the
// way itself, so nobody stays stopped.
Role Stops() {
  return {.acts = {{1, "kill(target=0, signal=SIGSTOP)"},
                   {1, "kill(target=0, signal=SIGCONT)"},
                   {1, "kill(target=1, signal=SIGSTOP)"},
                   {1, "kill(target=1, signal=SIGCONT)"},
                   {1, "kill(target=0, signal=SIGSTOP)"},
                   {1, "kill(target=1, signal=SIGSTOP)"},
                   {1, "kill(target=1, signal=SIGCONT)"},
                   {1, "kill(target=0, signal=SIGCONT)"}},
          .in_order = true};
}

std::vector<Workload> StopWorkloads() {
  return {
      {.mechanism = "pipe",
       .name = "Stopped",
       .about = "a writer of more than fits and a reader are stopped and continued",
       .setup = "1: t0 pipe2()\n"
                "2: t0 setpipe_sz(fd=@1.0, size=4096)\n",
       .roles = {{.calls = 2,
                  .acts = {{1, "write(fd=@1.1, data=pattern(A, 0, 6000))"},
                           {1, "write(fd=@1.1, data=pattern(A, 0, 3000))"}}},
                 {.calls = 3, .acts = {{1, "read(fd=@1.0, count=2000)"}}},
                 {.calls = 3, .acts = {{1, "read(fd=@1.0, count=4096)"}}},
                 Stops()},
       .audit = {"setfl(fd=@1.0, flags=O_NONBLOCK)", "*read(fd=@1.0, count=65536)",
                 "setfl(fd=@1.0)"}},
      {.mechanism = "sysv_msg",
       .name = "Stopped",
       .about = "a sender and a receiver are stopped and continued: EINTR, or it goes on",
       .setup = "1: t0 msgget(flags=0600)\n"
                "2: t0 msg_set(id=@1, mode=0600, qbytes=32)\n",
       .roles = {{.calls = 4, .acts = {{1, "msgsnd(id=@1, type=1, data=pattern(A, 0, 16))"}}},
                 {.calls = 3, .acts = {{1, "msgrcv(id=@1)"}}},
                 {.calls = 3,
                  .acts = {{2, "msgrcv(id=@1)"},
                           {1, "msgsnd(id=@1, type=2, data=pattern(A, 0, 24))"}}},
                 Stops()},
       .audit = {"msg_stat(id=@1)", "*msgrcv(id=@1, flags=IPC_NOWAIT)"}},
      {.mechanism = "sysv_sem",
       .name = "Stopped",
       .about = "two waiters are stopped and continued: EINTR, or they go on",
       .setup = "1: t0 semget(nsems=2, flags=0600)\n",
       .roles = {{.calls = 3,
                  .acts = {{1, "semop(id=@1, ops=[{num=0, op=-1}, {num=1, op=1}])"},
                           {1, "semop(id=@1, ops=[{num=0, op=-1, flags=SEM_UNDO}])"}}},
                 {.calls = 3,
                  .acts = {{1, "semop(id=@1, ops=[{num=0, op=-1}])"},
                           {1, "semop(id=@1, ops=[{num=1, op=-1}], timeout=1ms)"}}},
                 {.calls = 4, .acts = {{1, "semop(id=@1, ops=[{num=0, op=1}])"}}},
                 Stops()},
       .audit = {"sem_getall(id=@1)", "sem_getncnt(id=@1, num=0)",
                 "sem_setall(id=@1, all=[0, 0])"}},
      {.mechanism = "posix_mq",
       .name = "Stopped",
       .about = "a sender and a receiver are stopped and continued, and wait on",
       .setup = "1: t0 mq_open(name=\"/q\", flags=O_RDWR|O_CREAT, maxmsg=1, msgsize=64)\n",
       .roles = {{.calls = 4, .acts = {{1, "mq_send(fd=@1, data=pattern(A, 0, 8))"}}},
                 {.calls = 3, .acts = {{1, "mq_receive(fd=@1)"}}},
                 {.calls = 3,
                  .acts = {{2, "mq_receive(fd=@1)"},
                           {1, "mq_send(fd=@1, data=pattern(A, 0, 8), priority=1)"}}},
                 Stops()},
       .audit = {"*mq_receive(fd=@1, timeout=-1s)"}},
      {.mechanism = "posix_sem",
       .name = "Stopped",
       .about = "two waiters are stopped and continued, and wait on",
       .setup = "1: t0 mmap(prot=PROT_READ|PROT_WRITE, flags=MAP_SHARED|MAP_ANONYMOUS)\n"
                "2: t0 sem_init(address=@1, shared=true)\n",
       .roles = {{.calls = 3, .acts = {{1, "sem_wait(address=@1)"}}},
                 {.calls = 3,
                  .acts = {{1, "sem_wait(address=@1)"}, {1, "sem_wait(address=@1, timeout=1ms)"}}},
                 {.calls = 4, .acts = {{1, "sem_post(address=@1)"}}},
                 Stops()},
       .audit = {"sem_getvalue(address=@1)"}},
  };
}

std::vector<Workload> ExecWorkloads() {
  return {
      {.mechanism = "pipe",
       .name = "Execs",
       .about = "exec closes ends that are marked so, while others read and write",
       .setup = "1: t0 sigaction(signal=SIGPIPE, disposition=ignore)\n"
                "2: t0 pipe2(flags=O_CLOEXEC)\n",
       .roles = {{.tasks = 2,
                  .acts = {{1, "write(fd=@2.1, data=pattern(A, 0, 8))"},
                           {1, "exec()"},
                           {1, "write(fd=@2.1, data=pattern(A, 0, 8))"}},
                  .in_order = true},
                 {.tasks = 2,
                  .begin = {"close(fd=@2.1)"},
                  .acts = {{1, "read(fd=@2.0, count=12)"}, {1, "exec()"}},
                  .in_order = true},
                 {.acts = {{1, "close(fd=@2.0)"}, {1, "exec()"}}, .in_order = true}},
       .audit = {"close(fd=@2.1)", "*read(fd=@2.0, count=100)"},
       .races = 1},
      {.mechanism = "sysv_sem",
       .name = "Execs",
       .about = "adjustments outlive exec, and are applied at the end of whoever made them",
       .setup = "1: t0 semget(nsems=2, flags=0600)\n"
                "2: t0 sem_setall(id=@1, all=[1, 1])\n",
       .roles = {{.tasks = 2,
                  .acts = {{1, "semop(id=@1, ops=[{num=0, op=-1, flags=SEM_UNDO}])"},
                           {1, "exec()"},
                           {1, "semop(id=@1, ops=[{num=1, op=-1, flags=SEM_UNDO}])"},
                           {1, "exec()"},
                           {1, "exit()"}},
                  .in_order = true},
                 {.tasks = 2,
                  .acts = {{1, "semop(id=@1, ops=[{num=0, op=-1}])"},
                           {1, "semop(id=@1, ops=[{num=1, op=-1}])"},
                           {1, "semop(id=@1, ops=[{num=1, op=1}, {num=0, op=1}])"}},
                  .in_order = true}},
       .audit = {"sem_getall(id=@1)"},
       .races = 1},
      {.mechanism = "sysv_shm",
       .name = "Execs",
       .about = "exec detaches, others count and remove",
       .setup = "1: t0 shmget(size=4096, flags=0600)\n",
       .roles = {{.tasks = 2,
                  .acts = {{1, "shmat(id=@1)"}, {1, "exec()"}, {1, "shmat(id=@1)"}, {1, "exec()"}},
                  .in_order = true},
                 {.calls = 3, .acts = {{1, "shm_stat(id=@1)"}}},
                 {.acts = {{1, "shmat(id=@1)"}, {1, "shm_rmid(id=@1)"}, {1, "exit()"}},
                  .in_order = true}},
       .audit = {"shm_stat(id=@1)"},
       .races = 1},
  };
}

std::vector<Workload> MakerWorkloads() {
  const Role hunts = {.calls = 1, .acts = {{1, "kill(target=0, signal=SIGKILL)"}}};
  return {
      {.mechanism = "sysv_ipc",
       .name = "KilledMakersOfQueues",
       .about = "who makes a queue is killed, others find it by its key, or do not",
       .setup = "",
       .roles = {{.tasks = 2,
                  .acts = {{1, "msgget(key=7, flags=IPC_CREAT|0600)"},
                           {1, "msgsnd(id=@98, data=pattern(A, 0, 8), flags=IPC_NOWAIT)"},
                           {1, "msg_rmid(id=@98)"}},
                  .in_order = true},
                 {.acts = {{1, "msgget(key=7, flags=0600)"},
                           {1, "msgget(key=7, flags=0600)"},
                           {1, "msgrcv(id=@98, flags=IPC_NOWAIT)"}},
                  .in_order = true},
                 hunts},
       .audit = {"msgget(key=7, flags=0600)"},
       .races = 1,
       .also = {"sysv_msg"}},
      {.mechanism = "sysv_ipc",
       .name = "KilledMakersOfSets",
       .about = "the same of semaphore sets, which are never half made",
       .setup = "",
       .roles = {{.tasks = 2,
                  .acts = {{1, "semget(key=7, nsems=2, flags=IPC_CREAT|0600)"},
                           {1, "sem_setval(id=@98, num=1, value=3)"},
                           {1, "sem_rmid(id=@98)"}},
                  .in_order = true},
                 {.acts = {{1, "semget(key=7, nsems=2, flags=0600)"},
                           {1, "semget(key=7, nsems=2, flags=0600)"},
                           {1, "sem_getall(id=@98)"}},
                  .in_order = true},
                 hunts},
       .audit = {"semget(key=7, nsems=2, flags=0600)"},
       .races = 1,
       .also = {"sysv_sem"}},
      {.mechanism = "sysv_ipc",
       .name = "KilledMakersOfSegments",
       .about = "the same of segments, which are attached at once",
       .setup = "",
       .roles = {{.tasks = 2,
                  .acts = {{1, "shmget(key=7, size=4096, flags=IPC_CREAT|0600)"},
                           {1, "shmat(id=@98)"},
                           {1, "shm_rmid(id=@98)"}},
                  .in_order = true},
                 {.acts = {{1, "shmget(key=7, size=4096, flags=0600)"},
                           {1, "shmget(key=7, size=4096, flags=0600)"},
                           {1, "shm_stat(id=@98)"}},
                  .in_order = true},
                 hunts},
       .audit = {"shmget(key=7, size=4096, flags=0600)"},
       .races = 1,
       .also = {"sysv_shm"}},
  };
}

std::vector<Workload> LimitWorkloads() {
  return {
      {.mechanism = "pipe",
       .name = "FewDescriptors",
       .about = "pipes are made and closed by tasks that may have five descriptors: EMFILE",
       .setup = "1: t0 pipe2()\n",
       .roles = {{.tasks = 3,
                  .calls = 5,
                  .begin = {"close(fd=@1.0)", "limitdescriptors(count=5)"},
                  .acts = {{2, "pipe2()"},
                           {1, "close(fd=@98.0)"},
                           {1, "close(fd=@98.1)"},
                           {1, "write(fd=@98.1, data=pattern(A, 0, 8))"},
                           {1, "dup(fd=@1.1)"}}}},
       .races = 4},
      {.mechanism = "sysv_ipc",
       .name = "FewSegments",
       .about = "three tasks make and remove segments where there may be two: ENOSPC",
       .setup = "1: t0 set_limit(limit=shmmni, value=2)\n",
       .roles = {{.tasks = 3,
                  .calls = 4,
                  .acts = {{3, "shmget(size=4096, flags=0600)"},
                           {2, "shm_rmid(id=@98)"},
                           {1, "shm_rmid(id=@99)"}}}},
       .races = 10,
       .also = {"sysv_shm"}},
      {.mechanism = "sysv_ipc",
       .name = "FewQueues",
       .about = "the same of queues, of which one may be in use: no message outlives its queue",
       .setup = "1: t0 set_limit(limit=msgmni, value=1)\n",
       .roles = {{.tasks = 3,
                  .calls = 4,
                  .acts = {{3, "msgget(flags=0600)"},
                           {1, "msgsnd(id=@99, data=pattern(A, 0, 8), flags=IPC_NOWAIT)"},
                           {1, "msgrcv(id=@99, flags=IPC_NOWAIT)"},
                           {2, "msg_rmid(id=@99)"}}}},
       .races = 10,
       .also = {"sysv_msg"}},
  };
}

}  // namespace

std::vector<Workload> FaultWorkloads() {
  std::vector<Workload> all = StopWorkloads();
  for (std::vector<Workload> more : {ExecWorkloads(), MakerWorkloads(), LimitWorkloads()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace ipcspec

// Workloads of long rounds, which the monitors judge: thousands of calls in one race.
#include "stress/workloads.h"

namespace ipcspec {

std::vector<Workload> LongWorkloads() {
  const std::string queue =
      "1: t0 msgget(flags=0600)\n"
      "2: t0 msg_set(id=@1, mode=0600, qbytes=64)\n";
  const Role sends = {
      .tasks = 3,
      .calls = 1200,
      .acts = {{3, "msgsnd(id=@1, type=1, data=pattern(A, 0, 8))"},
               {1, "msgsnd(id=@1, type=2, data=pattern(A, 0, 16))"},
               {1, "msgsnd(id=@1, type=1, data=pattern(A, 0, 8), flags=IPC_NOWAIT)"}}};
  const Role takes = {.tasks = 3,
                      .calls = 1200,
                      .acts = {{4, "msgrcv(id=@1, size=64)"},
                               {1, "msgrcv(id=@1, size=64, type=-2)"},
                               {1, "msgrcv(id=@1, size=64, flags=IPC_NOWAIT)"}}};
  const Role hunts = {
      .calls = 1,
      .acts = {{1, "kill(target=0, signal=SIGKILL)"}, {1, "kill(target=1, signal=SIGKILL)"}}};
  const std::vector<std::string> rest = {"*msgrcv(id=@1, size=64, flags=IPC_NOWAIT)"};
  return {
      {.mechanism = "sysv_msg",
       .name = "Long",
       .about = "many messages through a queue that is nearly always full or empty",
       .setup = queue,
       .roles = {sends, takes},
       .audit = rest,
       .long_rounds = true},
      {.mechanism = "sysv_msg",
       .name = "LongKilled",
       .about = "the same, and one task is killed",
       .setup = queue,
       .roles = {sends, takes, hunts},
       .audit = rest,
       .long_rounds = true},
      {.mechanism = "posix_mq",
       .name = "Long",
       .about = "many messages of three priorities through a queue of four",
       .setup = "1: t0 mq_open(name=\"/q\", flags=O_RDWR|O_CREAT, maxmsg=4, msgsize=64)\n",
       .roles = {{.tasks = 3,
                  .calls = 1200,
                  .acts = {{3, "mq_send(fd=@1, data=pattern(A, 0, 8))"},
                           {1, "mq_send(fd=@1, data=pattern(A, 0, 8), priority=1)"},
                           {1, "mq_send(fd=@1, data=pattern(A, 0, 8), priority=300)"}}},
                 {.tasks = 3,
                  .calls = 1200,
                  .acts = {{4, "mq_receive(fd=@1, size=64)"},
                           {1, "mq_receive(fd=@1, size=64, timeout=1ms)"}}}},
       .audit = {"*mq_receive(fd=@1, size=64, timeout=-1s)"},
       .long_rounds = true},
      {.mechanism = "sysv_sem",
       .name = "Long",
       .about = "what is taken from one of three semaphores is given to another, at once",
       .setup = "1: t0 semget(nsems=3, flags=0600)\n"
                "2: t0 sem_setall(id=@1, all=[2, 2, 2])\n",
       .roles = {{.tasks = 3,
                  .calls = 900,
                  .acts = {{1, "semop(id=@1, ops=[{num=0, op=-1}, {num=1, op=1}])"},
                           {1, "semop(id=@1, ops=[{num=1, op=-1}, {num=2, op=1}])"},
                           {1, "semop(id=@1, ops=[{num=2, op=-1}, {num=0, op=1}])"}}},
                 // Never sleeps, so it sets those going that do.
                 {.calls = 1800,
                  .acts = {{8,
                            "semop(id=@1, ops=[{num=0, op=-1, flags=IPC_NOWAIT}, "
                            "{num=1, op=1}])"},
                           {8,
                            "semop(id=@1, ops=[{num=1, op=-1, flags=IPC_NOWAIT}, "
                            "{num=2, op=1}])"},
                           {8,
                            "semop(id=@1, ops=[{num=2, op=-1, flags=IPC_NOWAIT}, "
                            "{num=0, op=1}])"},
                           {1, "sem_getall(id=@1)"}}}},
       .audit = {"sem_getall(id=@1)"},
       .long_rounds = true},
      {.mechanism = "posix_sem",
       .name = "Long",
       .about = "many waits and posts on one semaphore that processes share",
       .setup = "1: t0 mmap(prot=PROT_READ|PROT_WRITE, flags=MAP_SHARED|MAP_ANONYMOUS)\n"
                "2: t0 sem_init(address=@1, shared=true, value=2)\n",
       .roles = {{.tasks = 2, .calls = 900, .acts = {{1, "sem_post(address=@1)"}}},
                 {.tasks = 2,
                  .calls = 900,
                  .acts = {{4, "sem_wait(address=@1)"}, {1, "sem_trywait(address=@1)"}}}},
       .audit = {"sem_getvalue(address=@1)"},
       .long_rounds = true},
      {.mechanism = "pipe",
       .name = "Long",
       .about = "many writes of up to PIPE_BUF, and reads that take what is there",
       .setup = "1: t0 pipe2()\n"
                "2: t0 setpipe_sz(fd=@1.0, size=8192)\n",
       .roles = {{.tasks = 2,
                  .calls = 900,
                  .acts = {{4, "write(fd=@1.1, data=pattern(A, 0, 8))"},
                           {2, "write(fd=@1.1, data=pattern(A, 0, 512))"},
                           {1, "write(fd=@1.1, data=pattern(A, 0, 4096))"}}},
                 {.tasks = 2,
                  .calls = 900,
                  .acts = {{1, "read(fd=@1.0, count=512)"}, {2, "read(fd=@1.0, count=4096)"}}}},
       .long_rounds = true},
      {.mechanism = "mapping",
       .name = "Long",
       .about = "many stores and loads of shared words",
       .setup = "1: t0 mmap(prot=PROT_READ|PROT_WRITE, flags=MAP_SHARED|MAP_ANONYMOUS)\n",
       .roles = {{.tasks = 4,
                  .calls = 1200,
                  .acts = {{1, "store(address=@1, data=pattern(A, 0, 8))"},
                           {2, "load(address=@1, size=8)"}}}},
       .audit = {"load(address=@1, size=8)"},
       .long_rounds = true},
  };
}

}  // namespace ipcspec

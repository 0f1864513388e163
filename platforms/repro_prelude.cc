// The task's side of a repro: plain C, kept as text.
#include "platforms/repro_prelude.h"

#include <string_view>

namespace ipcspec {
namespace {

using Names = std::set<std::string, std::less<>>;

constexpr std::string_view kCore = R"C(#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Shared by all processes. */
struct record { /* what a step gave back, and the numbers that came out */
  int done, error;
  long ret, values, value[VALUES];
};
struct task {
  int pid, order, begun; /* order: the step that it shall make, or 0 */
  int handled[65];       /* how often handlers ran, by signal */
};
static struct shared {
  struct record record[STEPS + 1];
  struct task task[STEPS + 1];
  char data[STEPS + 1][DATA]; /* what steps read */
} *s;
static int shared_fd, me; /* me: the task that this process is */

#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define STORE(x, to) __atomic_store_n(&(x), to, __ATOMIC_SEQ_CST)

static long run(int step);

static void finish(int step, long ret, int error) {
  s->record[step].ret = ret;
  s->record[step].error = error;
  STORE(s->task[me].order, 0);
  STORE(s->record[step].done, 1);
}

/* A task sleeps until it is told a step, makes it, and notes what came back. */
static _Noreturn void serve(void) {
  for (;;) {
    int step;
    while ((step = LOAD(s->task[me].order)) == 0)
      syscall(SYS_futex, &s->task[me].order, FUTEX_WAIT, 0, NULL, NULL, 0);
    STORE(s->task[me].begun, step);
    errno = 0;
    long ret = run(step);
    finish(step, ret, ret == -1 ? errno : 0);
  }
}
)C";

struct Helper {
  std::string_view name;
  std::string_view needs;  // another helper, which stands before
  std::string_view text;
};

// In the order in which they are printed.
constexpr Helper kHelpers[] = {
    {"BAD", "", R"C(
static void *bad(void) { /* an address that may not be touched */
  static void *page;
  if (page == NULL) page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page;
}
#define BAD bad()
)C"},
    {"any", "", R"C(
static __attribute__((noinline)) long any(volatile long count) { return count; }
)C"},
    {"pid_of", "", R"C(
/* The process that the task is; one that cannot be where there is no such task. */
static int pid_of(int task) {
  int pid = 0 <= task && task <= STEPS ? LOAD(s->task[task].pid) : 0;
  return pid > 0 ? pid : 0x3fffffff;
}
)C"},
    {"task_of", "", R"C(
/* The task that the process is. */
static long task_of(long pid) {
  for (int task = 0; task <= STEPS; task++)
    if (pid > 0 && LOAD(s->task[task].pid) == pid) return task;
  return pid;
}
)C"},
    {"on_signal", "", R"C(
static void on_signal(int signal) {
  __atomic_add_fetch(&s->task[me].handled[signal], 1, __ATOMIC_SEQ_CST);
}
)C"},
    {"dispose", "", R"C(
static long dispose(int signal, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  return sigaction(signal, &action, NULL);
}
)C"},
    {"mask_signal", "", R"C(
static long mask_signal(int how, int signal) {
  sigset_t set;
  sigemptyset(&set);
  return sigaddset(&set, signal) != 0 ? -1 : sigprocmask(how, &set, NULL);
}
)C"},
    {"pending", "", R"C(
static long pending(void) {
  struct record *r = &s->record[s->task[me].begun];
  sigset_t set;
  if (sigpending(&set) != 0) return -1;
  for (int signal = 1; signal < 65; signal++)
    if (sigismember(&set, signal) == 1) r->value[r->values++] = signal;
  return 0;
}
)C"},
    {"make_task", "", R"C(
/* fork(), or clone() with flags: the child is the task that is named after the step. */
static long make_task(int step, unsigned long flags) {
  long pid = flags == 0 ? fork() : syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (pid == -1) return -1;
  STORE(s->task[step].pid, pid == 0 ? getpid() : (int)pid);
  if (pid == 0) {
    me = step;
    serve();
  }
  return step;
}
)C"},
    {"exec_self", "", R"C(
/* This program again; main() goes on with the task. */
static long exec_self(void) {
  char task[16], fd[16];
  snprintf(task, sizeof task, "%d", me);
  snprintf(fd, sizeof fd, "%d", shared_fd);
  char *argv[] = {"repro", "--task", task, fd, NULL};
  return execv("/proc/self/exe", argv);
}
)C"},
    {"become", "", R"C(
static long become(int uid, int gid) {
  if (geteuid() != 0) {
    errno = EPERM;
    return -1;
  }
  if (setresgid(gid, gid, gid) != 0 || setgroups(0, NULL) != 0 || setresuid(uid, uid, uid) != 0)
    return -1;
  return prctl(PR_SET_DUMPABLE, 1); /* so that /proc goes on telling whether it sleeps */
}
)C"},
    {"limit_descriptors", "", R"C(
static long limit_descriptors(long count) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = (rlim_t)count;
  return setrlimit(RLIMIT_NOFILE, &limit);
}
)C"},
    {"only", "", R"C(
static long only(long ret, long bits) { return ret == -1 ? -1 : ret & bits; }
)C"},
    {"start", "", R"C(
/* Bytes are made piece by piece. A pattern is words like "A00001f.": a letter and a number. */
static char made[DATA];
static size_t made_size;
static int start(void) { return made_size = 0, 1; }
)C"},
    {"text", "start", R"C(static int text(const char *bytes, size_t size) {
  memcpy(made + made_size, bytes, size);
  return made_size += size, 1;
}
)C"},
    {"repeat", "start", R"C(static int repeat(int byte, size_t size) {
  memset(made + made_size, byte, size);
  return made_size += size, 1;
}
)C"},
    {"pattern", "start", R"C(static int pattern(char tag, long offset, long size) {
  for (long at = offset; at < offset + size; at++) {
    char word[16];
    snprintf(word, sizeof word, "%c%06lx.", tag, at / 8 & 0xffffff);
    made[made_size++] = word[at % 8];
  }
  return 1;
}
)C"},
    {"keep", "", R"C(
static int p[2];
static long keep(long ret, int values) { /* notes the numbers in p */
  struct record *r = &s->record[s->task[me].begun];
  for (int i = 0; ret != -1 && i < values; i++) r->value[r->values++] = p[i];
  return ret;
}
)C"},
    {"keep_stat", "", R"C(
static struct stat st;
static long keep_stat(long ret) { /* notes mode, owner, group, links */
  struct record *r = &s->record[s->task[me].begun];
  long values[] = {st.st_mode, st.st_uid, st.st_gid, (long)st.st_nlink};
  memcpy(r->value, values, sizeof values);
  return ret;
}
)C"},
    {"keep_poll", "", R"C(
static long keep_poll(long ret, struct pollfd *fds, int count) { /* notes what each is ready for */
  struct record *r = &s->record[s->task[me].begun];
  for (int i = 0; i < count; i++) r->value[r->values++] = fds[i].revents;
  return ret;
}
)C"},
    {"semun", "", R"C(
union semun {
  int val;
  struct semid_ds *buf;
  unsigned short *array;
  struct seminfo *info;
};
)C"},
    {"get_all", "semun", R"C(
static long get_all(int set) {
  static unsigned short all[32768];
  struct record *r = &s->record[s->task[me].begun];
  memset(all, 0xff, sizeof all); /* no semaphore has that value */
  long ret = semctl(set, 0, GETALL, (union semun){.array = all});
  while (ret != -1 && r->values < 32768 && all[r->values] != 0xffff) {
    r->value[r->values] = all[r->values];
    r->values++;
  }
  return ret;
}
)C"},
    {"last_task", "task_of", R"C(
static long last_task(long pid) { /* -1: no process of ours */
  return pid > 0 && task_of(pid) != pid ? task_of(pid) : -1;
}
)C"},
    {"keep_set", "semun", R"C(
#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif
static struct semid_ds ds;
static long keep_set(long ret) { /* notes key, uid, gid, cuid, cgid, mode, nsems, otime, ctime */
  struct ipc_perm *perm = &ds.sem_perm;
  long values[] = {perm->__key, perm->uid, perm->gid, perm->cuid, perm->cgid, perm->mode,
                   (long)ds.sem_nsems, ds.sem_otime, ds.sem_ctime};
  memcpy(s->record[s->task[me].begun].value, values, sizeof values);
  return ret;
}
)C"},
    {"sem_set", "semun", R"C(
static long sem_set(int set, unsigned uid, unsigned gid, unsigned short mode) {
  struct semid_ds to = {.sem_perm = {.uid = uid, .gid = gid, .mode = mode}};
  return semctl(set, 0, IPC_SET, (union semun){.buf = &to});
}
)C"},
    {"keep_limits", "semun", R"C(
static long keep_limits(int command) {
  struct seminfo info;
  long ret = semctl(0, 0, command, (union semun){.info = &info});
  long *value = s->record[s->task[me].begun].value;
  value[0] = command == SEM_INFO ? info.semusz : info.semmsl;
  value[1] = command == SEM_INFO ? info.semaem : info.semmns;
  value[2] = info.semopm;
  value[3] = info.semmni;
  value[4] = info.semvmx;
  return ret;
}
)C"},
    {"set_limits", "", R"C(
static long set_limits(const char *limits) {
  int fd = open("/proc/sys/kernel/sem", O_WRONLY | O_CLOEXEC);
  if (fd == -1) return -1;
  long ret = write(fd, limits, strlen(limits)) == -1 ? -1 : 0;
  int error = errno;
  close(fd);
  errno = error;
  return ret;
}
)C"},
};

const Helper* Find(std::string_view name) {
  for (const Helper& helper : kHelpers) {
    if (helper.name == name) return &helper;
  }
  return nullptr;
}

}  // namespace

std::string ReproPrelude(const Names& helpers) {
  Names wanted = helpers;
  for (const std::string& name : helpers) {
    for (const Helper* h = Find(name); h != nullptr && !h->needs.empty(); h = Find(h->needs)) {
      wanted.emplace(h->needs);
    }
  }
  std::string out(kCore);
  for (const Helper& helper : kHelpers) {
    if (wanted.contains(helper.name)) out += helper.text;
  }
  return out;
}

}  // namespace ipcspec

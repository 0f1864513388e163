// Helpers in C of what every repro may need: tasks, signals, users, bytes, descriptors.
#include "platforms/repro/helpers.h"

namespace ipcspec {
namespace {

constexpr ReproHelper kHelpers[] = {
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
static siginfo_t last_info;
static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)context;
  last_info = *info;
  __atomic_add_fetch(&s->task[me].handled[signal], 1, __ATOMIC_SEQ_CST);
}
)C"},
    {"dispose", "", R"C(
static long dispose(int signal, void (*handler)(int)) {
  return sigaction(signal, &(struct sigaction){.sa_handler = handler}, NULL);
}
)C"},
    {"handle", "on_signal", R"C(
static long handle(int signal, int flags) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = flags | SA_SIGINFO};
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
static int groups_set; /* by set_group() */
static long become(int uid, int gid) {
  if (geteuid() != 0) {
    errno = EPERM;
    return -1;
  }
  if (setresgid(gid, gid, gid) != 0 || (!groups_set && setgroups(0, NULL) != 0) ||
      setresuid(uid, uid, uid) != 0)
    return -1;
  return prctl(PR_SET_DUMPABLE, 1); /* so that /proc goes on telling whether it sleeps */
}
)C"},
    {"set_group", "become", R"C(
static long set_group(gid_t gid) {
  groups_set = 1;
  return setgroups(1, &gid);
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
};

}  // namespace

absl::Span<const ReproHelper> TaskHelpers() { return kHelpers; }

}  // namespace ipcspec

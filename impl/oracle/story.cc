#include "impl/oracle/story.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "absl/strings/str_join.h"
#include "impl/call/cat.h"
#include "impl/call/text.h"
#include "impl/oracle/search.h"

namespace ipcspec {
namespace {

constexpr size_t kEventsShown = 12;
constexpr size_t kMostShown = 8;  // possibilities

std::string NameOfTask(int task) { return Cat("t", task); }

// A search may know of thousands.
std::string SomeOf(const std::set<std::string>& all) {
  const auto end = all.size() <= kMostShown ? all.end() : std::next(all.begin(), kMostShown);
  std::string out = absl::StrJoin(all.begin(), end, "; or ");
  if (end != all.end()) Append(&out, "; or one of ", all.size() - kMostShown, " others");
  return out;
}

// What the worlds allow at this point for the call that the task is in, without repetition.
std::string AllowedIn(const std::vector<World>& worlds, int task, int64_t now_ns) {
  std::set<std::string> allowed;
  for (const World& world : worlds) {
    const Task* t = world.FindTask(task);
    if (t != nullptr && t->alive() && t->in_call()) allowed.insert(AllowedNow(world, task, now_ns));
  }
  if (allowed.empty()) return "no call of this task to be under way";
  return SomeOf(allowed);
}

const Call* CurrentCall(const std::vector<World>& worlds, int task) {
  for (const World& world : worlds) {
    const Task* t = world.FindTask(task);
    if (t != nullptr && t->current.call != nullptr) return t->current.call.get();
  }
  return nullptr;
}

std::string Seen(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kReturn:
      return Cat("returned ", ToText(event.outcome));
    case Event::Kind::kSignal:
      return Cat("ran its handler of ", SignalName(event.number));
    case Event::Kind::kExit:
      return "ended";
    default:
      return "went on";
  }
}

// At a quiet event every explanation has a task that cannot have stayed as it was.
std::string Restless(const std::vector<World>& worlds, int64_t now_ns) {
  std::set<std::string> reasons;
  for (const World& world : worlds) {
    const int task = RestlessTask(world, now_ns);
    if (task < 0) continue;
    const Task& t = world.GetTask(task);
    if (t.signals.Deliverable() != 0) {
      int signal = 1;
      while ((t.signals.Deliverable() & Signals::Bit(signal)) == 0) ++signal;
      reasons.insert(Cat(NameOfTask(task), " has ", SignalName(signal),
                         " pending and not blocked, and was not told of it"));
    } else if (t.in_call()) {
      reasons.insert(Cat(NameOfTask(task), " is still blocked in ", ToText(*t.current.call),
                         ", which can go on: the reference allows ",
                         AllowedNow(world, task, now_ns), " [", Source(*t.current.call), "]"));
    } else if (t.current.done) {
      reasons.insert(Cat(NameOfTask(task), " did not return from ", ToText(*t.current.call),
                         " though it took effect"));
    }
  }
  return SomeOf(reasons);
}

}  // namespace

std::string AllowedNow(const World& world, int task, int64_t now_ns) {
  World copy = world;
  Choice usual(Choice::Mode::kUsual);
  const Result result = Offer(copy, task, now_ns, usual);
  if (result.kind == Result::kAsleep) return "nothing yet: it sleeps";
  if (result.kind == Result::kMoved) return "nothing yet: it is part of the way";
  if (usual.alternative_errors().size() > 1) {
    return absl::StrJoin(usual.alternative_errors(), " or ",
                         [](std::string* out, int error) { Append(out, ToText(Fails(error))); });
  }
  if (result.outcome.ok() && result.outcome.values.empty() && usual.lowest() < usual.highest()) {
    return Cat("a number from ", usual.lowest(), " to ", usual.highest());
  }
  std::string text = ToText(result.outcome);
  if (usual.was_open()) text += ", or refusing as if full";
  return text;
}

std::string_view Source(const Call& call) {
  const std::string_view name = NameOf(call);
  for (const std::string_view posix :
       {"sem_init", "sem_destroy", "sem_open", "sem_close", "sem_unlink", "sem_post", "sem_trywait",
        "sem_wait", "sem_getvalue"}) {
    if (name == posix) return "sem_overview(7), sem_wait(3), sem_open(3)";
  }
  if (name.starts_with("mq_")) return "mq_overview(7), mq_send(3), mq_notify(3)";
  if (name.starts_with("msg")) return "msgget(2), msgop(2), msgctl(2), sysvipc(7)";
  if (name == "shm_open" || name == "shm_unlink") return "shm_open(3), shm_overview(7)";
  if (name.starts_with("shm")) return "shmget(2), shmop(2), shmctl(2), sysvipc(7)";
  if (name.starts_with("m") && (name == "mmap" || name == "munmap" || name == "mprotect")) {
    return "mmap(2), mprotect(2)";
  }
  if (name == "load" || name == "store" || name == "msync") return "mmap(2), msync(2)";
  if (name == "unshare_ipc") return "ipc_namespaces(7), unshare(2)";
  if (name == "set_limit" || name == "get_limit" || name == "list_ipc")
    return "proc(5), sysvipc(7)";
  if (name == "ftruncate" || name == "file_size") return "ftruncate(2), stat(2)";
  if (name.starts_with("sem") || name == "set_sem_limits") {
    return "semget(2), semop(2), semctl(2), sysvipc(7)";
  }
  if (name.starts_with("msg")) return "msgget(2), msgop(2), msgctl(2), sysvipc(7)";
  if (name == "ftok") return "ftok(3)";
  if (name == "read" || name == "readv") return "read(2), pipe(7)";
  if (name == "write" || name == "writev") return "write(2), pipe(7)";
  if (name == "pipe2" || name == "fionread") return "pipe(2), pipe(7)";
  if (name == "getpipe_sz" || name == "setpipe_sz" || name.starts_with("getf") ||
      name.starts_with("setf")) {
    return "fcntl(2)";
  }
  if (name == "open" || name.starts_with("mk")) return "open(2), fifo(7), mkfifo(3)";
  if (name == "poll") return "poll(2)";
  if (name == "kill" || name.starts_with("sig")) return "signal(7), kill(2)";
  if (name == "wait" || name == "exit") return "wait(2), _exit(2)";
  return "its manual page";
}

std::string TellStory(const History& history, size_t index, const std::vector<World>& worlds,
                      bool exhausted) {
  const Event& event = history.events[index];
  std::string story = "What happened (the last line is not explained):\n";
  const size_t first = index < kEventsShown ? 0 : index - kEventsShown;
  if (first > 0) Append(&story, "  ... ", first, " events before\n");
  for (size_t i = first; i <= index; ++i) {
    Append(&story, i == index ? "> " : "  ", ToText(history.events[i]), "\n");
  }
  if (event.kind == Event::Kind::kQuiet) {
    Append(&story, "Everything is quiet, but ", Restless(worlds, event.time_ns), ".\n");
  } else {
    const Call* call = CurrentCall(worlds, event.task);
    Append(&story, NameOfTask(event.task), " ", Seen(event));
    if (call != nullptr) Append(&story, " from ", ToText(*call));
    Append(&story, ".\nThe reference allows: ", AllowedIn(worlds, event.task, event.time_ns));
    if (call != nullptr) Append(&story, " [", Source(*call), "]");
    Append(&story, ".\n");
  }
  if (exhausted) {
    Append(&story, "The search ended at its budget: this is undecided, no violation.\n");
  }
  return story;
}

}  // namespace ipcspec

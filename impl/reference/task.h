// Task: what a process has, apart from what it shares with others.
//
// Signals are sets of bits (bit n-1 is signal n). A handler does nothing; that it ran is an event.
#ifndef IPCSPEC_IMPL_REFERENCE_TASK_H_
#define IPCSPEC_IMPL_REFERENCE_TASK_H_

#include <csignal>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "impl/call/call.h"
#include "impl/mechanism/step.h"

namespace ipcspec {

// What comes with a signal (siginfo_t of sigaction(2)), where it is promised.
struct SignalOrigin {
  bool known = false;
  int code = 0;     // SI_USER, SI_MESGQ
  int sender = -1;  // the task
  int64_t uid = 0;  // its real user
  int64_t value = 0;
  bool operator==(const SignalOrigin&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const SignalOrigin& o) {
    return H::combine(std::move(h), o.known, o.code, o.sender, o.uid, o.value);
  }
};

// The dispositions, the mask and the pending signals of a task (signal(7)).
struct Signals {
  uint64_t ignored = 0;
  uint64_t handled = 0;     // a handler is set ...
  uint64_t restarting = 0;  // ... with SA_RESTART
  uint64_t blocked = 0;
  uint64_t pending = 0;
  std::map<int, SignalOrigin> origins;  // of the pending ones
  int handled_last = 0;                 // the signal whose handler ran last, 0 for none
  SignalOrigin handled_origin;
  // Delivered, but their handlers have not been seen to run yet: that takes a moment.
  std::vector<int> starting;

  static uint64_t Bit(int signal) { return uint64_t{1} << (signal - 1); }
  static bool IgnoredByDefault(int signal) {
    return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
  }
  bool Ignores(int signal) const {
    return (ignored & Bit(signal)) != 0 ||
           ((handled & Bit(signal)) == 0 && IgnoredByDefault(signal));
  }
  // Signals that are pending and not blocked. SIGKILL cannot be blocked.
  uint64_t Deliverable() const { return pending & ~(blocked & ~Bit(SIGKILL)); }

  // A signal is generated: it is discarded if it is ignored and not blocked, else it is pending.
  // One that is pending already stays as it came first.
  void Raise(int signal, const SignalOrigin& origin = {}) {
    if (Ignores(signal) && (blocked & Bit(signal)) == 0) return;
    if ((pending & Bit(signal)) == 0) origins[signal] = origin;
    pending |= Bit(signal);
  }
  void Discard(int signal) {
    pending &= ~Bit(signal);
    origins.erase(signal);
  }
  bool operator==(const Signals&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Signals& s) {
    return H::combine(std::move(h), s.ignored, s.handled, s.restarting, s.blocked, s.pending,
                      s.origins, s.handled_last, s.handled_origin, s.starting);
  }
};

struct Descriptor {
  int description = -1;  // -1: not open
  bool close_on_exec = false;
  bool operator==(const Descriptor&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Descriptor& d) {
    return H::combine(std::move(h), d.description, d.close_on_exec);
  }
};

// The call that a task is in.
struct Current {
  std::shared_ptr<const Call> call;  // null: none
  int label = 0;
  int64_t invoked = 0;
  Progress progress;
  bool interrupted = false;         // a handler ran that ends the call
  bool may_be_interrupted = false;  // a handler ran that may end it
  bool disturbed = false;           // SIGSTOP came since the call before it
  bool asleep = false;              // seen asleep at a quiet point
  bool done = false;                // took effect; its return is still to come

  bool operator==(const Current&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Current& c) {
    return H::combine(std::move(h), c.call.get(), c.label, c.progress, c.interrupted,
                      c.may_be_interrupted, c.disturbed, c.asleep, c.done);
  }
};

struct Task {
  enum class Life : uint8_t { kAlive, kZombie, kReaped };

  Life life = Life::kAlive;
  int parent = -1;  // -1: none of ours waits for it
  int status = 0;   // as wait(2) tells it, once dead
  Credentials creds;
  int64_t umask = 022;
  int64_t max_descriptors = 1024;
  int64_t max_queue_bytes = 0;  // RLIMIT_MSGQUEUE
  int undo_list = 0;
  int ipc = 0;                   // the IPC namespace
  int space = 0;                 // the address space
  std::vector<int64_t> notices;  // of message queues (MqNotices), unread
  std::vector<Descriptor> descriptors;
  Signals signals;
  bool stopped = false;    // by SIGSTOP, until SIGCONT
  bool disturbed = false;  // SIGSTOP came between two calls
  Current current;

  bool alive() const { return life == Life::kAlive; }
  bool in_call() const { return current.call != nullptr && !current.done; }
  // Whether nothing can happen to it but SIGCONT and SIGKILL.
  bool IsHeld() const { return stopped && (signals.pending & Signals::Bit(SIGKILL)) == 0; }
  // The descriptor's open file description, or -1.
  int Description(int64_t fd) const {
    return fd >= 0 && fd < static_cast<int64_t>(descriptors.size()) ? descriptors[fd].description
                                                                    : -1;
  }

  bool operator==(const Task&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Task& t) {
    return H::combine(std::move(h), t.life, t.parent, t.status, t.creds, t.umask, t.max_descriptors,
                      t.max_queue_bytes, t.undo_list, t.ipc, t.space, t.notices, t.descriptors,
                      t.signals, t.stopped, t.disturbed, t.current);
  }
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_REFERENCE_TASK_H_

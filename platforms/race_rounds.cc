// How small rounds are drawn; how one is played: race_play.cc.
#include "platforms/race_rounds.h"

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/wait.h>

#include <csignal>
#include <random>
#include <string>
#include <utility>

#include "impl/call/cat.h"

namespace ipcspec {
namespace {

// What the setup makes, by label.
constexpr int kObject = 1;       // the pipe, set, queue or memory
constexpr int kTuned = 2;        // a call that makes it small, or ready
constexpr int kFirstTask = 10;   // then one label a task
constexpr int kFirstCall = 100;  // then one label a call
constexpr int kFirstAudit = 10000;

class Drawer {
 public:
  Drawer(Topic topic, uint64_t seed, int tasks) : topic_(topic), lots_(seed), tasks_(tasks) {}
  SmallRound Draw(int calls);

 private:
  int Below(int n) { return static_cast<int>(lots_() % static_cast<uint64_t>(n)); }
  bool OneIn(int n) { return Below(n) == 0; }
  int SomeTask() { return kFirstTask + Below(tasks_); }
  // A text that no other call of the round has.
  Bytes Text(int size) {
    std::string text = Cat("<", ++texts_, ">");
    while (static_cast<int>(text.size()) < size) text += Cat("-", text.size());
    return {text};
  }
  void Setup();
  void Audit();
  Call AnyCall(bool parent);
  Call PipeCall();
  Call LargeCall();
  Call SemCall();
  Call MsgCall();
  Call MqCall();
  Call PsemCall();
  Call MappingCall();
  Call SignalCall();
  Call EndCall(bool parent);

  Topic topic_;
  std::mt19937_64 lots_;
  int tasks_;
  int texts_ = 0;
  SmallRound round_;
};

constexpr Fd kReadEnd = Fd::Of(kObject, 0), kWriteEnd = Fd::Of(kObject, 1);
constexpr Address kMemory = Address::Of(kObject);

void Drawer::Setup() {
  std::vector<Step>& setup = round_.setup;
  const auto make = [&](Call call) {
    setup.push_back({.label = static_cast<int>(setup.size()) + kObject, .call = std::move(call)});
  };
  switch (topic_) {
    case Topic::kPipe:
    case Topic::kSignals:
      make(MakePipe{});
      break;
    case Topic::kLargeWrites:
      make(MakePipe{});
      make(SetPipeSize{.fd = kWriteEnd, .size = 4096});
      break;
    case Topic::kSysvSem:
      make(Semget{.nsems = 3, .flags = IPC_CREAT | 0600});
      make(SemSetAll{.id = SemId::Of(kObject), .all = {1, 0, 2}});
      break;
    case Topic::kEnds:
      make(MakePipe{});
      for (int i = 0; i < 2; ++i) make(Semget{.nsems = 2, .flags = IPC_CREAT | 0600});
      for (int i = 0; i < 2; ++i) make(SemSetAll{.id = SemId::Of(kTuned + i), .all = {2, 1}});
      break;
    case Topic::kSysvMsg:
      make(Msgget{.flags = IPC_CREAT | 0600});
      make(MsgSet{.id = MsgId::Of(kObject), .mode = 0600, .qbytes = 12});
      break;
    case Topic::kPosixMq:
      make(MqOpen{.name = "/q", .flags = O_CREAT | O_RDWR, .maxmsg = 2, .msgsize = 16});
      break;
    case Topic::kPosixSem:
    case Topic::kMapping:
      make(Mmap{
          .length = 4096, .prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED | MAP_ANONYMOUS});
      if (topic_ == Topic::kPosixSem)
        make(PsemInit{.address = kMemory, .shared = true, .value = 1});
      break;
  }
  for (int i = 0; i < tasks_; ++i) setup.push_back({.label = kFirstTask + i, .call = Fork{}});
  if (topic_ == Topic::kSignals) {
    for (int i = 0; i < tasks_; ++i) {
      const bool restarts = OneIn(2);
      setup.push_back({.label = kFirstTask + tasks_ + i,
                       .task = kFirstTask + i,
                       .call = Sigaction{.signal = {SIGUSR1},
                                         .disposition = restarts ? Disposition::kHandleRestart
                                                                 : Disposition::kHandle}});
    }
  }
  // Without the first task's end the last one of the others makes the end of file.
  if (topic_ == Topic::kPipe || topic_ == Topic::kEnds) {
    setup.push_back({.label = kFirstTask + 2 * tasks_, .call = Close{.fd = kWriteEnd}});
  }
}

Call Drawer::PipeCall() {
  switch (Below(8)) {
    case 0:
    case 1:
    case 2:
      return Write{.fd = kWriteEnd, .data = Text(1 + Below(6))};
    case 3:
    case 4:
      return Read{.fd = kReadEnd, .count = 1 + Below(12)};
    case 5:
      return Close{.fd = kWriteEnd};
    case 6:
      return OneIn(2) ? Call(Close{.fd = kReadEnd}) : Call(Dup{.fd = kWriteEnd});
    default:
      return Fionread{.fd = kReadEnd};
  }
}

Call Drawer::LargeCall() {
  switch (Below(5)) {
    case 0:
      return Write{.fd = kWriteEnd, .data = Text(5000 + Below(4000))};
    case 1:
      return Write{.fd = kWriteEnd, .data = Text(1 + Below(3000))};
    case 2:
      return Fionread{.fd = kReadEnd};
    default:
      return Read{.fd = kReadEnd, .count = 1 + Below(9000)};
  }
}

Call Drawer::SemCall() {
  const SemId id = SemId::Of(kObject);
  switch (Below(12)) {
    case 0:
      return SemGetAll{.id = id};
    case 1:
      return SemGetNcnt{.id = id, .num = Below(3)};
    case 2:
      return SemSetVal{.id = id, .num = Below(3), .value = Below(3)};
    case 3:
      return SemGetPid{.id = id, .num = Below(3)};
    case 4:
      return Kill{.target = SomeTask(), .signal = {SIGKILL}};
    case 5:
      return OneIn(3) ? Call(Exit{.status = 3}) : Call(SemGetVal{.id = id, .num = Below(3)});
    default: {
      Semop call{.id = id};
      for (int i = Below(3); i >= 0; --i) {
        int64_t flags = OneIn(2) ? SEM_UNDO : 0;
        if (OneIn(6)) flags |= IPC_NOWAIT;
        call.ops.push_back({.num = Below(3), .op = Below(5) - 2, .flags = flags});
      }
      if (OneIn(4)) call.timeout = Nanos{Below(3) * 1000};
      return call;
    }
  }
}

Call Drawer::MsgCall() {
  const MsgId id = MsgId::Of(kObject);
  const int64_t flags = OneIn(4) ? IPC_NOWAIT : 0;
  switch (Below(12)) {
    case 0:
      return MsgStat{.id = id};
    case 1:
      return OneIn(4) ? Call(MsgRemove{.id = id}) : Call(MsgUsage{});
    case 2:
      return Kill{.target = SomeTask(), .signal = {SIGKILL}};
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
      return Msgsnd{.id = id, .type = 1 + Below(3), .data = Text(3), .flags = flags};
    default:
      return Msgrcv{.id = id, .size = 64, .type = Below(6) - 2, .flags = flags};
  }
}

Call Drawer::MqCall() {
  const Fd fd = Fd::Of(kObject);
  Nanos timeout;
  if (OneIn(2)) timeout = Nanos{Below(3) * 1000};
  switch (Below(10)) {
    case 0:
      return MqGetattr{.fd = fd};
    case 1:
      return MqNotify{.fd = fd, .how = OneIn(3) ? Notify::kRemove : Notify::kThread};
    case 2:
      return MqNotices{};
    case 3:
    case 4:
    case 5:
    case 6:
      return MqSend{.fd = fd, .data = Text(3), .priority = Below(3), .timeout = timeout};
    default:
      return MqReceive{.fd = fd, .size = 16, .timeout = timeout};
  }
}

Call Drawer::PsemCall() {
  switch (Below(8)) {
    case 0:
      return PsemGetValue{.address = kMemory};
    case 1:
      return PsemTryWait{.address = kMemory};
    case 2:
    case 3:
    case 4:
      return PsemPost{.address = kMemory};
    case 5:
      return PsemWait{.address = kMemory, .timeout = Nanos{Below(3) * 1000}};
    default:
      return PsemWait{.address = kMemory};
  }
}

Call Drawer::MappingCall() {
  const int64_t word = 8 * Below(2);
  if (OneIn(2)) return Load{.address = kMemory, .offset = word, .size = 8};
  std::string text = Cat(++texts_);
  text.resize(8, '.');
  return Store{.address = kMemory, .offset = word, .data = {text}};
}

Call Drawer::SignalCall() {
  switch (Below(6)) {
    case 0:
    case 1:
      return Kill{.target = SomeTask(), .signal = {SIGUSR1}};
    case 2:
      return Write{.fd = kWriteEnd, .data = Text(2)};
    case 3:
      return OneIn(3)
                 ? Call(Sigprocmask{.how = OneIn(2) ? MaskChange::kBlock : MaskChange::kUnblock,
                                    .signal = {SIGUSR1}})
                 : Call(Sigpending{});
    case 4:
      return OneIn(4) ? Call(Kill{.target = SomeTask(), .signal = {SIGTERM}}) : Call(SignalInfo{});
    default:
      return Read{.fd = kReadEnd, .count = 1 + Below(4)};
  }
}

Call Drawer::EndCall(bool parent) {
  const SemId id = SemId::Of(kTuned + Below(2));
  switch (Below(parent ? 6 : 12)) {
    case 0:
      return SemGetAll{.id = id};
    case 1:
      return Kill{.target = SomeTask(), .signal = {SIGKILL}};
    case 2:
    case 3:
      return parent ? Call(Wait{.target = SomeTask(), .options = WNOHANG})
                    : Call(Read{.fd = kReadEnd, .count = 4});
    case 4:
      return parent ? Call(Fionread{.fd = kReadEnd}) : Call(Close{.fd = kWriteEnd});
    case 5:
      return parent ? Call(SemGetVal{.id = id, .num = Below(2)}) : Call(Exit{.status = 1});
    default:
      return Semop{.id = id, .ops = {{.num = Below(2), .op = Below(4) - 2, .flags = SEM_UNDO}}};
  }
}

Call Drawer::AnyCall(bool parent) {
  switch (topic_) {
    case Topic::kPipe:
      return PipeCall();
    case Topic::kLargeWrites:
      return LargeCall();
    case Topic::kSysvSem:
      return SemCall();
    case Topic::kSysvMsg:
      return MsgCall();
    case Topic::kPosixMq:
      return MqCall();
    case Topic::kPosixSem:
      return PsemCall();
    case Topic::kMapping:
      return MappingCall();
    case Topic::kSignals:
      return SignalCall();
    case Topic::kEnds:
      return EndCall(parent);
  }
  return Call();
}

void Drawer::Audit() {
  const auto ask = [&](Call call) {
    const int label = kFirstAudit + static_cast<int>(round_.audit.size());
    round_.audit.push_back({.label = label, .call = std::move(call)});
  };
  switch (topic_) {
    case Topic::kPipe:
    case Topic::kLargeWrites:
    case Topic::kSignals:
      ask(SetStatusFlags{.fd = kReadEnd, .flags = O_NONBLOCK});
      ask(Fionread{.fd = kReadEnd});
      for (int i = 0; i < 4; ++i) ask(Read{.fd = kReadEnd, .count = 65536});
      break;
    case Topic::kSysvSem:
      ask(SemGetAll{.id = SemId::Of(kObject)});
      for (int i = 0; i < tasks_; ++i) {
        ask(Wait{.target = kFirstTask + i, .options = WNOHANG});
      }
      break;
    case Topic::kEnds:
      for (int i = 0; i < 2; ++i) ask(SemGetAll{.id = SemId::Of(kTuned + i)});
      break;
    case Topic::kSysvMsg:
      for (int i = 0; i < 6; ++i) {
        ask(Msgrcv{.id = MsgId::Of(kObject), .size = 64, .flags = IPC_NOWAIT});
      }
      break;
    case Topic::kPosixMq:
      for (int i = 0; i < 4; ++i) {
        ask(MqReceive{.fd = Fd::Of(kObject), .size = 16, .timeout = Nanos{0}});
      }
      break;
    case Topic::kPosixSem:
      ask(PsemGetValue{.address = kMemory});
      break;
    case Topic::kMapping:
      ask(Load{.address = kMemory, .size = 16});
      break;
  }
}

SmallRound Drawer::Draw(int calls) {
  round_.seed = lots_();
  Setup();
  int label = kFirstCall;
  for (int i = 0; i < tasks_; ++i) {
    for (int n = 0; n < calls; ++n) {
      round_.race.push_back({.label = label++, .task = kFirstTask + i, .call = AnyCall(false)});
    }
  }
  for (int n = 0; topic_ == Topic::kEnds && n < calls; ++n) {
    round_.race.push_back({.label = label++, .call = AnyCall(true)});
  }
  Audit();
  return std::move(round_);
}

}  // namespace

std::string_view NameOf(Topic topic) {
  constexpr std::string_view kNames[] = {"pipe",     "large writes", "sysv sem",
                                         "sysv msg", "posix mq",     "posix sem",
                                         "mapping",  "signals",      "ends"};
  return kNames[static_cast<int>(topic)];
}

SmallRound DrawSmallRound(Topic topic, uint64_t seed, int tasks, int calls) {
  return Drawer(topic, seed, tasks).Draw(calls);
}

}  // namespace ipcspec

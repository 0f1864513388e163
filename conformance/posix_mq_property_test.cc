// Properties of POSIX message queues: random programs of several tasks on a few queues.
#include <fcntl.h>
#include <poll.h>

#include <csignal>
#include <string>

#include "conformance/clause.h"
#include "conformance/makers.h"
#include "conformance/property.h"

namespace ipcspec {
namespace {

bool IsQueue(const Description& d) { return d.kind == Description::Kind::kQueue; }
bool IsReceiving(const Description& d) { return IsQueue(d) && (d.flags & O_ACCMODE) != O_WRONLY; }
bool IsSending(const Description& d) { return IsQueue(d) && (d.flags & O_ACCMODE) != O_RDONLY; }

std::string AnyName(Dice& dice) {
  if (dice.Percent(3)) return dice.Of({"q", "/", "/a/b", "/none", "/.", "/.."});
  return dice.Of({"/a", "/a", "/b"});
}

Nanos AnyTimeout(Dice& dice) {
  if (!dice.Percent(10)) return {};
  return dice.Of({-1'000'000'000, -5, 0, 5'000'000, 10'000'000});
}

MqOpen AnyOpen(Dice& dice) {
  MqOpen open{.name = AnyName(dice), .flags = dice.Of({O_RDWR, O_RDWR, O_RDONLY, O_WRONLY})};
  if (dice.Percent(80)) {
    open.flags.bits |= O_CREAT | (dice.Percent(15) ? O_EXCL : 0);
    open.maxmsg = dice.Percent(3) ? -1 : 1 + dice.Below(3);
    open.msgsize = dice.Percent(3) ? 0 : 4;
  }
  if (dice.Percent(2)) open.flags.bits |= O_ACCMODE;
  if (dice.Percent(25)) open.flags.bits |= O_NONBLOCK;
  open.mode = dice.Of({0600, 0666, 0640, 0420});
  return open;
}

MqSend AnySend(Scene& scene) {
  Dice& dice = scene.dice;
  // Each message tells which it is.
  std::string text(dice.Percent(4) ? 5 : dice.Below(5), static_cast<char>('a' + dice.Below(26)));
  const int64_t priority =
      dice.Percent(4) ? dice.Of({32768, -1}) : dice.Of({0, 0, 1, 1, 2, 255, 256, 32767});
  return {.fd = scene.DescriptorWhere(IsSending),
          .data = Bytes(std::move(text)),
          .priority = priority,
          .timeout = AnyTimeout(dice),
          .bad_time = dice.Percent(2)};
}

MqReceive AnyReceive(Scene& scene) {
  Dice& dice = scene.dice;
  return {.fd = scene.DescriptorWhere(IsReceiving),
          .size = dice.Percent(4) ? 3 : dice.Of({4, 4, 100}),
          .timeout = AnyTimeout(dice),
          .bad_time = dice.Percent(2)};
}

MqNotify AnyNotify(Scene& scene) {
  Dice& dice = scene.dice;
  return {.fd = scene.DescriptorWhere(IsQueue),
          .how = dice.Of({Notify::kSignal, Notify::kSignal, Notify::kSignal, Notify::kNone,
                          Notify::kThread, Notify::kRemove, Notify::kBad}),
          .signal = dice.Percent(5) ? Signal(dice.Of({65, -1, 0})) : scene.AnySignal(),
          .value = dice.Below(100)};
}

std::optional<Call> AnyNotification(Scene& scene) {
  Dice& dice = scene.dice;
  switch (dice.Below(6)) {
    case 0:
      return SignalInfo{};
    case 1:
      return MqNotices{};
    case 2:
      return MqFile{.name = AnyName(dice)};
    default:
      return AnyNotify(scene);
  }
}

}  // namespace

std::optional<Call> AnyPosixMqCall(Scene& scene) {
  Dice& dice = scene.dice;
  const Fd fd = scene.DescriptorWhere(IsQueue);
  if (!fd.is_reference() || dice.Percent(8)) return AnyOpen(dice);
  switch (dice.Below(24)) {
    case 0:
      return MqUnlink{.name = AnyName(dice)};
    case 1:
    case 2:
      return Close{.fd = fd};
    case 3:
      return MqGetattr{.fd = fd};
    case 4:
      return MqSetattr{.fd = fd,
                       .flags = dice.Percent(4)    ? O_RDWR
                                : dice.Percent(40) ? O_NONBLOCK
                                                   : 0,
                       .maxmsg = dice.Below(9)};
    case 5:
      return Poll{.fds = {{.fd = fd, .events = dice.Of({POLLIN, POLLOUT, POLLIN | POLLOUT})}},
                  .timeout = dice.Percent(60) ? Nanos(0) : Nanos()};
    case 6:
      return MqFile{.name = AnyName(dice)};
    case 7:
      return dice.Percent(30) ? Call(LimitQueueBytes{.bytes = dice.Of({0, 200, 4000, 800000})})
                              : Call(Fstat{.fd = fd});
    case 8:
    case 9:
    case 10:
      return AnyNotification(scene);
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
      return AnyReceive(scene);
    default:
      return AnySend(scene);
  }
}

PROPERTY(
    PosixMq, RandomPrograms, "mq_overview(7)",
    "Whatever several tasks do on message queues, some documented order explains what they saw",
    130, 40, {{14, AnyPosixMqCall}, {4, AnyProcessCall}, {1, AnyCredentialsCall}})

PROPERTY(PosixMq, RandomProgramsWithNotification, "mq_notify(3)",
         "Whoever registers, is told, closes, runs another program or dies: notification is as "
         "documented",
         130, 40,
         {{9, AnyPosixMqCall}, {7, AnyNotification}, {5, AnyProcessCall}, {1, AnyDescriptorCall}})

PROPERTY(PosixMq, RandomProgramsOfBothKinds, "mq_overview(7)",
         "POSIX and System V message queues used by the same tasks keep their rules", 130, 50,
         {{8, AnyPosixMqCall}, {8, AnySysvMsgCall}, {4, AnyProcessCall}})

PROPERTY(PosixMq, RandomProgramsWithPipes, "mq_overview(7)",
         "Message queues and pipes used by the same tasks keep their rules", 60, 40,
         {{8, AnyPosixMqCall}, {5, AnyPipeCall}, {4, AnyProcessCall}, {1, AnyDescriptorCall}})

}  // namespace ipcspec

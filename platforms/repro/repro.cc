#include "platforms/repro/repro.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "impl/call/args.h"
#include "impl/call/cat.h"
#include "impl/call/names.h"
#include "impl/call/text.h"
#include "impl/oracle/story.h"
#include "platforms/repro/calls.h"
#include "platforms/repro/plan.h"
#include "platforms/repro/prelude.h"

namespace ipcspec {
namespace {

constexpr int kMaxLabel = 999;         // the C file has an array of steps
constexpr size_t kMaxNumbers = 400;    // of a call that are worth comparing
constexpr int64_t kWord = 0xffffffff;  // numbers below fit the file's ints

// The same program with small labels, if it has large ones.
Program Renumbered(Program program) {
  std::map<int64_t, int> labels = {{0, 0}};
  for (const Step& step : program.steps)
    labels.emplace(step.label, static_cast<int>(labels.size()));
  if (std::all_of(program.steps.begin(), program.steps.end(),
                  [](const Step& step) { return step.label <= kMaxLabel; })) {
    return program;
  }
  for (Step& step : program.steps) {
    step.label = labels[step.label];
    step.task = labels[step.task];
    ForEachArg(step.call, [&]<ArgKind K>(Arg<K>& arg) {
      if (arg.is_reference()) {
        arg.label = labels[arg.label];
      } else if (K == ArgKind::kTask && labels.contains(arg.value)) {
        arg.value = labels[arg.value];
      }
    });
  }
  return program;
}

bool IsTimed(const Call& call) { return TimeoutOf(call).ns != Nanos::kForever; }

template <class C, class... Kinds>
inline constexpr bool kIsOneOf = (std::is_same_v<C, Kinds> || ...);

// Calls that change nothing whatever they return: another answer is no other path.
bool OnlyAsks(const Call& call) {
  return std::visit(
      []<class C>(const C&) {
        return kIsOneOf<C, SemGetNcnt, SemGetZcnt, SemLimits, SemUsage, MsgLimits, MsgUsage,
                        ShmLimits, ShmUsage, Poll, GetPipeSize>;
      },
      call);
}

// Whether the call returns a name that the kernel chooses.
bool Names(const Call& call) {
  const std::optional<ArgKind> kind = KindGiven(call);
  return kind.has_value() && kind != ArgKind::kFd;
}

// The C expression, broken before "&&" where a line would be too long; never within a literal.
std::string Wrapped(std::string_view expression, std::string_view indent) {
  constexpr size_t kWidth = 96;
  std::string out;
  size_t line = indent.size();  // the length of the line so far
  while (!expression.empty()) {
    bool quoted = false;
    size_t at = 0;
    for (; at < expression.size() && (quoted || expression.substr(at, 4) != " && "); ++at) {
      if (quoted && expression[at] == '\\')
        ++at;
      else if (expression[at] == '"')
        quoted = !quoted;
    }
    const std::string_view part = expression.substr(0, std::min(at, expression.size()));
    expression.remove_prefix(std::min(at + 4, expression.size()));
    if (!out.empty() && line + part.size() > kWidth) {
      Append(&out, " &&\n", indent);
      line = indent.size();
    } else if (!out.empty()) {
      out += " && ";
    }
    out += part;
    line += part.size() + 4;
  }
  return out;
}

// The names of the numbers that come out of IPC_STAT and the like; empty for another call.
absl::Span<const std::string_view> FieldsOf(const Call& call) {
  return std::visit(
      []<class C>(const C&) -> absl::Span<const std::string_view> {
        if constexpr (kIsOneOf<C, SemStat, SemStatIndex>) return kSemidFields;
        if constexpr (kIsOneOf<C, MsgStat, MsgStatIndex>) return kMsqidFields;
        if constexpr (kIsOneOf<C, ShmStat, ShmStatIndex>) return kShmidFields;
        return {};
      },
      call);
}

bool IsStat(const Call& call) {
  return std::holds_alternative<Stat>(call) || std::holds_alternative<Fstat>(call);
}

// Writes one plan as C.
class Writer {
 public:
  Writer(const Program& program, const Plan& plan) : plan_(plan), text_(program) {
    for (const Step& step : program.steps) calls_[step.label] = &step.call;
  }

  std::string File() {
    std::string steps, turns;
    int last = 0;
    for (const Turn& turn : plan_.turns) {
      last = std::max(last, turn.step.label);
      steps += Case(turn.step);
      turns += Conduct(turn);
    }
    std::string names;
    for (const auto& [name, meaning] : text_.names()) {
      Append(&names, "#define ", name, " (", meaning, ")\n");
    }
    return Cat(Top(), Numbers(last), PrivateObjects(), ReproPrelude(text_.helpers()),
               ReproConductor(), ReproClaims(claims_), ReproSetup(),
               names.empty() ? "" : "\n/* ---- What earlier steps gave. */\n", names,
               "\n/* ---- The steps: what each task calls. */\n"
               "static long run(int step) {\n  switch (step) {\n",
               steps,
               "  }\n  return 0;\n}\n"
               "\n/* ---- The steps in order, and what must come of them. */\n"
               "static void conduct(void) {\n",
               turns, "}\n", Main());
  }

 private:
  std::string Claim(std::string_view name) {
    claims_.emplace(name);
    return std::string(name);
  }

  // No byte of a program may end the comment.
  static std::string Comment(std::string text) {
    for (size_t at = 0; at + 1 < text.size(); ++at) {
      if (text[at] == '*' && text[at + 1] == '/') text.insert(at + 1, " ");
      if (text[at] == '/' && text[at + 1] == '*') text.insert(at + 1, " ");
    }
    return text;
  }

  std::string Top() const {
    std::string out =
        "/*\n"
        " * Shows whether a Linux kernel does what its documents say in the steps below.\n"
        " *\n"
        " *   gcc -O1 -Wall -Wextra -o repro repro.c && ./repro\n"
        " *\n"
        " * Each tN is a process; a step is given to its task when all others are idle or "
        "blocked.\n"
        " * What the steps call is in run(), what must come of them in conduct(), both near the\n"
        " * end. Exits with 1 and \"FAULT\" where the kernel does what is not allowed, with 0 "
        "where\n"
        " * it does not, with 2 where this program could not set itself up.\n"
        " *\n";
    for (const Turn& turn : plan_.turns) {
      std::string call = ToText(turn.step.call);
      if (call.size() > 200) call = Cat(call.substr(0, 200), " ...");
      Append(&out, " *   ", turn.step.label, ": t", turn.step.task, " ", Comment(call), "\n");
    }
    return Cat(out,
               " *\n * (@3 stands for what step 3 returned, @3.1 for number 1 of what came out.)",
               "\n */\n");
  }

  std::string Numbers(int last) const {
    return Cat("#define STEPS ", last, "\n#define VALUES ", text_.values(), "\n#define DATA ",
               text_.data_bytes(), "\n#define IN s->data[step] /* where a step reads to */\n",
               Flag("OWN_IPC", text_.helpers().contains("own_ipc") || NeedsOwnIpc()),
               Flag("NEED_OWN_IPC", NeedsOwnIpc()),
               Flag("OWN_MOUNTS", text_.helpers().contains("own_mounts") ||
                                      text_.helpers().contains("own_shm") ||
                                      text_.helpers().contains("queue_file")),
               Flag("OWN_SHM", text_.helpers().contains("own_shm")),
               Flag("OWN_QUEUES", text_.helpers().contains("queue_file")),
               Flag("NEED_ROOT", text_.helpers().contains("need_root")), "\n");
  }
  bool NeedsOwnIpc() const { return text_.helpers().contains("need_own_ipc"); }
  // The objects to be removed in the end, where the IPC namespace is not the program's own.
  std::string PrivateObjects() const {
    return Cat("\n/* By steps. */\nstatic const int private_sets[] = {", Private<Semget>(),
               "0};\nstatic const int private_queues[] = {", Private<Msgget>(),
               "0};\nstatic const int private_segments[] = {", Private<Shmget>(), "0};\n");
  }
  template <class Get>
  std::string Private() const {
    std::string out;
    for (const Turn& turn : plan_.turns) {
      const auto* get = std::get_if<Get>(&turn.step.call);
      if (get != nullptr && get->key == Key(0)) Append(&out, turn.step.label, ", ");
    }
    return out;
  }
  static std::string Flag(std::string_view name, bool set) {
    return Cat("#define ", name, " ", set ? 1 : 0, "\n");
  }

  std::string Case(const Step& step) {
    std::string body = text_.Body(step);
    if (body.empty()) return "";
    for (size_t at = 0; (at = body.find('\n', at)) != body.npos; at += 7)
      body.replace(at, 1, "\n      ");
    // Declarations want a block.
    const bool block = body.find('\n') != body.npos;
    return Cat("    case ", step.label, ":", block ? " {" : "", "\n      ", body, "\n",
               block ? "    }\n" : "");
  }

  std::string Conduct(const Turn& turn) {
    const Step& step = turn.step;
    const std::string call = ReproText::Literal(Shortened(ToText(step.call)));
    std::string out;
    std::string source(Source(step.call));
    if (source.find('(') == source.npos) source = Cat(NameOf(step.call), "(2)");
    if (std::holds_alternative<Await>(step.call)) {
      Append(&out, "\n  ", Claim("await"), "(", step.label, ", ", step.task, ", ", call, ");\n");
    } else {
      out += "\n";
      if (IsTimed(step.call)) Append(&out, "  known[", step.label, "].timed = 1;\n");
      const std::string start = Cat("  go(", step.label, ", ", step.task, ", ", call, ",");
      Append(&out, start, start.size() + source.size() > 92 ? "\n     " : " ", "\"", source,
             "\");\n");
    }
    const std::string indent(turn.others.empty() && !turn.open ? 9 : 12, ' ');
    const std::string usual = Wrapped(Expression(turn.usual), indent);
    std::string others;
    for (const Facts& facts : turn.others) {
      Append(&others, others.empty() ? "" : " ||\n            ", "PATH(",
             Wrapped(Expression(facts), "                 "), ")");
    }
    if (turn.open) others = "1 /* too many ways are allowed to list them */";
    return Cat(out, others.empty() ? Cat("  expect(", usual, ");\n")
                                   : Cat("  expect_or(", usual, ",\n            ", others, ");\n"));
  }
  static std::string Shortened(std::string text) {
    return text.size() > 100 ? Cat(text.substr(0, 100), "...") : text;
  }

  std::string Expression(const Facts& facts) {
    std::string out;
    for (const Fact& fact : facts) Append(&out, out.empty() ? "" : " && ", Expression(fact));
    return out.empty() ? "1" : out;
  }

  std::string Expression(const Fact& fact) {
    const int n = fact.number;
    switch (fact.kind) {
      case Fact::Kind::kAsleep:
        return Cat(Claim("asleep"), "(", n, ")");
      case Fact::Kind::kDied:
        return Cat(Claim("died"), "(", n, ", ", absl::StrFormat("0x%x", fact.detail), ")");
      case Fact::Kind::kHandled:
        return Cat(Claim("handled"), "(", n, ", ", SignalName(fact.detail), ", 1)");
      case Fact::Kind::kReturned:
        return fact.outcome.ok() ? Success(fact) : Failure(fact);
    }
    return "";
  }

  std::string Failure(const Fact& fact) {
    std::string names, list;
    for (int error : fact.errors) {
      Append(&names, names.empty() ? "" : " or ", ErrnoName(error));
      Append(&list, ", ", NameOfValue(ErrnoTable(), error));
    }
    return Cat(Claim("failed"), "(", fact.number, ", \"", names, "\", ",
               static_cast<int64_t>(fact.errors.size()), list, ")");
  }

  std::string Success(const Fact& fact) {
    const int n = fact.number;
    const Call& call = *calls_.at(n);
    const Outcome& outcome = fact.outcome;
    constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
    std::string out;
    Claim("is_back");
    if (fact.lowest == kMin || Names(call) || (fact.lowest < fact.highest && OnlyAsks(call))) {
      out = Cat(Claim("returned_any"), "(", n, ")");
    } else if (fact.lowest < fact.highest) {
      out = Cat(Claim("returned_in"), "(", n, ", ", fact.lowest, "L, ", fact.highest, "L, ",
                outcome.ret, "L)");
    } else {
      out = Cat(Claim("returned"), "(", n, ", ", outcome.ret, ")");
    }
    return Cat(out, Data(n, outcome.data), Values(fact, call));
  }

  std::string Data(int step, const std::string& data) {
    if (data.empty()) return "";
    const int64_t size = static_cast<int64_t>(data.size());
    if (ReproText::IsShort(data)) {
      return Cat(" && ", Claim("got"), "(", step, ", ", ReproText::Literal(data), ", ", size, ")");
    }
    return Cat(" && ", text_.Make(data, " && "), " && ", Claim("got"), "(", step, ", made, ", size,
               ")");
  }

  // The numbers that came out.
  std::string Values(const Fact& fact, const Call& call) {
    const auto& values = fact.outcome.values;
    const bool counted = std::visit(
        []<class C>(const C&) { return kIsOneOf<C, Sigpending, MakePipe, SemGetAll, MqNotices>; },
        call);
    if (counted && values.size() <= kMaxNumbers) {
      std::string list;
      for (int64_t value : values) Append(&list, ", ", value);
      return Cat(" && ", Claim("numbers"), "(", fact.number, ", ",
                 static_cast<int64_t>(values.size()), list, ")");
    }
    std::string out;
    const absl::Span<const std::string_view> fields = FieldsOf(call);
    for (size_t i = 0; i < values.size() && i < kMaxNumbers && !counted; ++i) {
      const std::string_view field = i < fields.size() ? fields[i] : "";
      if (fact.masks[i] == 0 || field.ends_with("time")) continue;
      const bool key = field == "key";
      const bool mode = field == "mode" || (i == 0 && IsStat(call));
      const std::string want = key    ? text_.KeyOr(values[i], plan_.outcomes)
                               : mode ? absl::StrFormat("0%o", values[i])
                                      : Cat(values[i], "L");
      const int64_t mask = key ? kWord : fact.masks[i];
      Append(&out, " && ", Claim("number"), "(", fact.number, ", ", static_cast<int64_t>(i), ", ",
             mask == -1 ? std::string("-1") : absl::StrFormat("0x%xL", mask), ", ", want, ")");
    }
    return out;
  }

  std::string Main() const {
    return R"C(
int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "--task") == 0) { /* a task comes out of execve */
    me = atoi(argv[2]);
    shared_fd = atoi(argv[3]);
    map_shared();
    finish(s->task[me].begun, 0, 0);
    serve();
  }
  set_up();
  conduct();
  printf("no fault\n");
  end(0);
}
)C";
  }

  const Plan& plan_;
  ReproText text_;
  std::map<int, const Call*> calls_;
  std::set<std::string, std::less<>> claims_;
};

}  // namespace

std::string ReproInC(const Program& given) {
  const Program program = Renumbered(given);
  const Plan plan = MakePlan(program);
  return Writer(program, plan).File();
}

}  // namespace ipcspec

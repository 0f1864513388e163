// Literals, bytes and names as C (calls.h).
#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_format.h"
#include "impl/call/bytes.h"
#include "impl/call/cat.h"
#include "platforms/repro/calls.h"

namespace ipcspec {
namespace {

// The pieces of the text form of bytes (bytes.h): "..." or "x"*9 or pattern(A, 0, 9).
std::vector<std::string_view> Pieces(std::string_view text) {
  std::vector<std::string_view> pieces;
  size_t begin = 0;
  bool quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    if (quoted && text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[at] == '+') {
      pieces.push_back(text.substr(begin, at - begin));
      begin = at + 1;
    }
  }
  pieces.push_back(text.substr(begin));
  return pieces;
}

std::string_view NameOfKind(ArgKind kind) {
  switch (kind) {
    case ArgKind::kFd:
      return "fd";
    case ArgKind::kSemId:
      return "set";
    case ArgKind::kMsgId:
      return "queue";
    case ArgKind::kShmId:
      return "segment";
    case ArgKind::kKey:
      return "key";
    case ArgKind::kAddress:
      return "address";
    case ArgKind::kTask:
      break;
  }
  return "ret";
}

}  // namespace

ReproText::ReproText(const Program& program) {
  for (const Step& step : program.steps) calls_[step.label] = &step.call;
}

std::string ReproText::Literal(std::string_view bytes) {
  std::string out = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      Append(&out, "\\", std::string_view(&c, 1));
    } else if (byte < ' ' || byte > '~' || c == '?') {  // ?: no trigraphs
      out += absl::StrFormat("\\%03o", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

bool ReproText::IsShort(std::string_view bytes) { return bytes.size() <= 40; }

std::string ReproText::Make(std::string_view bytes, std::string_view separator) {
  Reserve(static_cast<int64_t>(bytes.size()));
  std::string out = Cat(Use("start"), "()");
  const std::string quoted = QuoteBytes(bytes);
  for (const std::string_view piece : Pieces(quoted)) {
    out += separator;
    Cursor cursor(piece);
    std::string plain;
    if (piece.substr(0, 7) == "pattern") {
      // pattern(A, 0, 9) is almost C.
      Append(&out, Use("pattern"), "('", piece.substr(8, 1), "'", piece.substr(9));
    } else if (const size_t star = piece.rfind("\"*"); star != piece.npos) {
      Cursor one(piece.substr(0, star + 1));
      ParseBytes(one, &plain);
      Append(&out, Use("repeat"), "(", static_cast<int>(static_cast<unsigned char>(plain[0])), ", ",
             piece.substr(star + 2), ")");
    } else {
      ParseBytes(cursor, &plain);
      Append(&out, Use("text"), "(", Literal(plain), ", ", static_cast<int64_t>(plain.size()), ")");
    }
  }
  return out;
}

std::string ReproText::Use(std::string_view helper) {
  helpers_.emplace(helper);
  return std::string(helper);
}

std::string ReproText::NameOf(int label, int index) {
  const auto it = calls_.find(label);
  const Call* call = it == calls_.end() ? nullptr : it->second;
  std::string name = Cat(index < 0 ? "ret" : "value", label);
  if (call != nullptr && MakesTask(*call)) return Cat(label);
  if (index >= 0) Append(&name, "_", index);
  const std::optional<ArgKind> kind = call == nullptr ? std::nullopt : KindGiven(*call);
  if (call != nullptr && std::holds_alternative<MakePipe>(*call)) {
    name = Cat(index == 0 ? "reader" : "writer", label);
  } else if (kind.has_value() && index < 0) {
    name = Cat(NameOfKind(*kind), label);
  }
  const std::string_view type = kind == ArgKind::kAddress ? "" : "(int)";
  names_[name] = index < 0 ? Cat(type, "s->record[", label, "].ret")
                           : Cat("(int)s->record[", label, "].value[", index, "]");
  return name;
}

std::string ReproText::KeyOr(int64_t key, const std::map<int, Outcome>& outcomes) {
  for (const auto& [label, outcome] : outcomes) {
    const auto it = calls_.find(label);
    if (it != calls_.end() && std::holds_alternative<Ftok>(*it->second) && outcome.ok() &&
        outcome.ret == key) {
      return NameOf(label, -1);
    }
  }
  return Cat(key, "L");
}

void ReproText::Reserve(int64_t bytes) { data_bytes_ = std::max(data_bytes_, bytes); }
void ReproText::ReserveValues(int64_t values) { values_ = std::max(values_, values); }

}  // namespace ipcspec

#include "config/fields/protocol_schema.hpp"

namespace duplexd::config {

// What the protocol's own compiler accepts, apart from what layouts say: those have a notation that no schema
// knows.
nlohmann::ordered_json protocol_definitions() {
  return nlohmann::ordered_json::parse(R"JSON({
"protocol": {
  "description": "What the messages look like: see layouts.md.",
  "type": "object",
  "properties": {
    "byte_order": {"description": "The byte order of layouts that do not say theirs.",
                   "enum": ["native", "little", "big", "network"], "default": "native"},
    "json": {"description": "How JSON is written: with blanks as Python does, or without.",
             "enum": ["python", "compact"], "default": "python"},
    "limits": {
      "description": "Limits on what is packed and unpacked.",
      "type": "object",
      "properties": {
        "count": {"$ref": "#/$defs/protocol_size"},
        "inflate": {"$ref": "#/$defs/protocol_size"},
        "nesting": {"$ref": "#/$defs/protocol_depth"},
        "json_depth": {"$ref": "#/$defs/protocol_depth"},
        "packet": {"$ref": "#/$defs/protocol_size"}
      },
      "additionalProperties": false
    },
    "framing": {
      "anyOf": [
        {
          "type": "object",
          "properties": {
            "length": {"$ref": "#/$defs/integer_type"},
            "at": {"$ref": "#/$defs/protocol_place"},
            "counts": {"enum": ["all", "after"], "default": "after"},
            "add": {
              "anyOf": [
                {"type": "integer", "minimum": -1000000, "maximum": 1000000},
                {"type": "string", "pattern": "^-?[0-9]"}
              ]
            },
            "mode": {"enum": ["message", "stream"], "default": "message"},
            "strip": {"type": "boolean", "default": false}
          },
          "required": ["length"],
          "additionalProperties": false
        },
        {
          "type": "object",
          "properties": {
            "delimiter": {"type": "string", "minLength": 1, "maxLength": 16},
            "mode": {"enum": ["message", "stream"], "default": "message"}
          },
          "required": ["delimiter"],
          "additionalProperties": false
        },
        {"enum": ["lines", "layouts", null]}
      ],
      "description": "How packets are told apart within a message or a stream."
    },
    "opcode": {
      "description": "Where the number is that tells replies apart.",
      "type": "object",
      "properties": {
        "at": {"$ref": "#/$defs/protocol_place"},
        "type": {"$ref": "#/$defs/integer_type"},
        "mask": {"$ref": "#/$defs/protocol_mask"}
      },
      "required": ["type"],
      "additionalProperties": false
    },
    "layouts": {
      "anyOf": [
        {
          "type": "object",
          "propertyNames": {
            "$ref": "#/$defs/protocol_name",
            "not": {
              "pattern": "^([ui]24|varint|zigzag|z?str|bytes|hex|b64|base64|json|cbor|msgpack|decnum|hexnum|utf16|[xcbBhHiIlLqQnNefdspP])$"
            }
          },
          "additionalProperties": {"$ref": "#/$defs/layout"}
        },
        {"type": "null"}
      ],
      "description": "Layouts that others use by their name."
    },
    "commands": {
      "anyOf": [
        {
          "type": "object",
          "propertyNames": {"$ref": "#/$defs/protocol_name"},
          "additionalProperties": {
            "anyOf": [{"$ref": "#/$defs/command_message"}, {"$ref": "#/$defs/layout_lines"}]
          }
        },
        {"type": "null"}
      ],
      "description": "What the client sends, by name."
    },
    "replies": {
      "anyOf": [{"type": "array", "items": {"$ref": "#/$defs/reply_message"}}, {"type": "null"}],
      "description": "What the server sends: the first that matches is taken."
    }
  },
  "additionalProperties": false
},
"template_protocol": {
  "description": "A protocol inside of a template: parameters may stand for anything in it.",
  "type": "object"
},
"protocol_name": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
"protocol_size": {
  "anyOf": [{"type": "integer", "minimum": 0, "maximum": 2147483648}, {"$ref": "#/$defs/quoted_integer"}]
},
"protocol_depth": {
  "anyOf": [{"type": "integer", "minimum": 0, "maximum": 200}, {"$ref": "#/$defs/quoted_integer"}]
},
"protocol_place": {
  "anyOf": [{"type": "integer", "minimum": 0, "maximum": 65536}, {"$ref": "#/$defs/quoted_integer"}]
},
"protocol_slot": {
  "anyOf": [{"type": "integer", "minimum": 0, "maximum": 10000}, {"$ref": "#/$defs/quoted_integer"}]
},
"protocol_mask": {
  "anyOf": [{"type": "integer", "minimum": 1}, {"$ref": "#/$defs/quoted_integer"}]
},
"message_size": {
  "anyOf": [{"type": "integer", "minimum": 0, "maximum": 1099511627776}, {"$ref": "#/$defs/quoted_integer"}]
},
"quoted_integer": {"type": "string", "pattern": "^(0x[0-9a-fA-F]+|0o[0-7]+|0b[01]+|[0-9]+)$"},
"integer_type": {"description": "An integer type such as B, '>H' or varint.", "type": "string",
                 "pattern": "^ *[@=<>!]? *[A-Za-z][A-Za-z0-9]*(\\([0-9]+\\))? *$",
                 "not": {"pattern": "^ *[@=<>!]? *[?cdefpsx] *$"}},
"hex_digits": {"type": "string", "pattern": "^[ \\n\\t]*([0-9a-fA-F][ \\n\\t]*[0-9a-fA-F][ \\n\\t]*)*$"},
"layout_lines": {
  "anyOf": [
    {"type": "string"},
    {"type": "array", "items": {"$ref": "#/$defs/layout"}},
    {"type": "null"}
  ]
},
"layout": {
  "description": "A line such as 'code:i rest:bytes', or a list of lines and items; or {protobuf, message}.",
  "anyOf": [
    {"$ref": "#/$defs/layout_lines"},
    {"$ref": "#/$defs/protobuf_layout"},
    {"type": "object", "properties": {"protobuf": false}}
  ]
},
"protobuf_layout": {
  "description": "A message of Protocol Buffers.",
  "type": "object",
  "properties": {
    "protobuf": {"description": ".proto files, relative to the configuration.", "$ref": "#/$defs/file_names"},
    "message": {"description": "The name of a message in them.", "type": "string"},
    "import": {"description": "Folders of the files that they import.", "$ref": "#/$defs/file_names"},
    "int64": {"description": "What integers of 64 bits are in JSON.", "enum": ["text", "number"], "default": "text"},
    "names": {"description": "lowerCamelCase, or as in the .proto file.", "enum": ["json", "proto"], "default": "json"},
    "defaults": {"description": "Show fields that are not there, too.", "type": "boolean", "default": false}
  },
  "required": ["protobuf", "message"],
  "additionalProperties": false
},
"file_names": {
  "anyOf": [
    {"type": "string", "minLength": 1},
    {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}
  ]
},
"command_message": {
  "type": "object",
  "properties": {
    "when": {"$ref": "#/$defs/selection"},
    "frame": {"$ref": "#/$defs/frame"},
    "layout": {"$ref": "#/$defs/layout"},
    "json": {"$ref": "#/$defs/json_form"},
    "contents": {"$ref": "#/$defs/contents"},
    "trailing": {"$ref": "#/$defs/trailing"},
    "examples": {"$ref": "#/$defs/message_examples"},
    "description": true
  },
  "dependentSchemas": {"json": {"properties": {"layout": false, "frame": {"const": "text"}}}},
  "additionalProperties": false
},
"reply_message": {
  "type": "object",
  "properties": {
    "as": {"$ref": "#/$defs/protocol_name"},
    "when": {"$ref": "#/$defs/selection"},
    "frame": {"$ref": "#/$defs/frame"},
    "layout": {"$ref": "#/$defs/layout"},
    "json": {"$ref": "#/$defs/json_form"},
    "contents": {"$ref": "#/$defs/contents"},
    "trailing": {"$ref": "#/$defs/trailing"},
    "examples": {"$ref": "#/$defs/message_examples"},
    "description": true
  },
  "dependentSchemas": {"json": {"properties": {"layout": false, "frame": {"const": "text"}}}},
  "required": ["as"],
  "additionalProperties": false
},
"frame": {"description": "The kind of frame.", "enum": ["text", "binary"]},
"trailing": {
  "description": "What happens to bytes after the last field.",
  "enum": ["error", "drop", "keep"],
  "default": "error"
},
"json_form": {
  "description": "A message in JSON: ~ and plain names stand for what varies.",
  "anyOf": [
    {"type": "object"},
    {
      "type": "array",
      "items": {"anyOf": [{"type": "string"}, {"type": "object", "minProperties": 1, "maxProperties": 1}]}
    }
  ]
},
"contents": {
  "description": "What the texts at these paths hold.",
  "type": "object",
  "additionalProperties": {"$ref": "#/$defs/layout"}
},
"message_examples": {
  "description": "Bytes and the values in them: `check` compares.",
  "type": "array",
  "items": {
    "type": "object",
    "properties": {
      "hex": {"anyOf": [{"$ref": "#/$defs/hex_digits"}, {"type": "number"}]},
      "text": true,
      "values": true,
      "decode_only": {"type": "boolean"}
    },
    "required": ["values"],
    "oneOf": [{"properties": {"hex": true}, "required": ["hex"]}, {"properties": {"text": true}, "required": ["text"]}],
    "additionalProperties": false
  }
},
"selection": {
  "description": "Which frames are this message.",
  "type": "object",
  "properties": {
    "frame": {"$ref": "#/$defs/frame"},
    "size": {
      "anyOf": [
        {"$ref": "#/$defs/message_size"},
        {
          "type": "object",
          "properties": {"min": {"$ref": "#/$defs/message_size"}, "max": {"$ref": "#/$defs/message_size"}},
          "additionalProperties": false
        }
      ]
    },
    "opcode": {
      "anyOf": [
        {"$ref": "#/$defs/opcodes"},
        {
          "type": "object",
          "properties": {
            "at": {"$ref": "#/$defs/protocol_place"},
            "type": {"$ref": "#/$defs/integer_type"},
            "mask": {"$ref": "#/$defs/protocol_mask"},
            "is": {"$ref": "#/$defs/opcodes"}
          },
          "required": ["type", "is"],
          "additionalProperties": false
        }
      ]
    },
    "json": {"$ref": "#/$defs/json_places"},
    "slot": {"$ref": "#/$defs/protocol_slot"},
    "cbor": {"$ref": "#/$defs/json_places"},
    "msgpack": {"$ref": "#/$defs/json_places"},
    "protobuf": {"$ref": "#/$defs/json_places"},
    "is": {
      "anyOf": [{"$ref": "#/$defs/scalar"}, {"type": "array", "items": {"$ref": "#/$defs/scalar"}}]
    },
    "starts": {
      "anyOf": [
        {"$ref": "#/$defs/scalar"},
        {
          "type": "object",
          "properties": {"hex": {"anyOf": [{"$ref": "#/$defs/hex_digits"}, {"type": "number"}]}},
          "required": ["hex"]
        }
      ]
    },
    "fits": {"type": "boolean"},
    "after": {
      "anyOf": [
        {"$ref": "#/$defs/protocol_name"},
        {"type": "array", "items": {"$ref": "#/$defs/protocol_name"}, "minItems": 1}
      ]
    }
  },
  "not": {"anyOf": [
    {"properties": {"json": true, "slot": true}, "required": ["json", "slot"]},
    {"properties": {"json": true, "cbor": true}, "required": ["json", "cbor"]},
    {"properties": {"json": true, "msgpack": true}, "required": ["json", "msgpack"]},
    {"properties": {"slot": true, "cbor": true}, "required": ["slot", "cbor"]},
    {"properties": {"slot": true, "msgpack": true}, "required": ["slot", "msgpack"]},
    {"properties": {"cbor": true, "msgpack": true}, "required": ["cbor", "msgpack"]},
    {"properties": {"json": true, "protobuf": true}, "required": ["json", "protobuf"]},
    {"properties": {"slot": true, "protobuf": true}, "required": ["slot", "protobuf"]},
    {"properties": {"cbor": true, "protobuf": true}, "required": ["cbor", "protobuf"]},
    {"properties": {"msgpack": true, "protobuf": true}, "required": ["msgpack", "protobuf"]}
  ]},
  "dependentSchemas": {
    "is": {
      "anyOf": [
        {"properties": {"json": {"type": "string"}}, "required": ["json"]},
        {"properties": {"cbor": {"type": "string"}}, "required": ["cbor"]},
        {"properties": {"msgpack": {"type": "string"}}, "required": ["msgpack"]},
        {"properties": {"protobuf": {"type": "string"}}, "required": ["protobuf"]},
        {"properties": {"slot": true}, "required": ["slot"]}
      ]
    }
  },
  "additionalProperties": false
},
"scalar": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}]},
"json_pointer": {"type": "string", "pattern": "^(/|$)"},
"json_places": {
  "anyOf": [
    {"$ref": "#/$defs/json_pointer"},
    {"type": "object", "propertyNames": {"$ref": "#/$defs/json_pointer"}}
  ]
},
"opcodes": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}
})JSON");
}

}  // namespace duplexd::config

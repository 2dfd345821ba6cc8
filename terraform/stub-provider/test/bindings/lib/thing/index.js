// One resource in the form the bindings have: a required and an optional attribute, a set, a single
// block with a nested list of blocks, computed attributes plain, as a map and as a list of objects.
const cdktf = require("cdktf");

function thingPartHoleToHclTerraform(struct) {
  return {
    depth: {
      value: cdktf.numberToHclTerraform(struct.depth),
      isBlock: false,
      type: "simple",
      storageClassType: "number",
    },
  };
}

function thingPartToHclTerraform(struct) {
  return {
    part_name: {
      value: cdktf.stringToHclTerraform(struct.partName),
      isBlock: false,
      type: "simple",
      storageClassType: "string",
    },
    hole: {
      value: cdktf.listMapperHcl(thingPartHoleToHclTerraform, true)(struct.hole),
      isBlock: true,
      type: "set",
      storageClassType: "ThingPartHoleList",
    },
  };
}

class ThingOwnersOutputReference extends cdktf.ComplexObject {
  get ownerId() {
    return this.getStringAttribute("owner_id");
  }
}

class ThingOwnersList extends cdktf.ComplexList {}

class Thing extends cdktf.TerraformResource {
  constructor(scope, id, config) {
    super(scope, id);
    this._fullName = config.fullName;
    this._labels = new cdktf.StringMap(this, "labels");
    this._owners = new ThingOwnersList(this, "owners", true);
  }
  get arn() {
    return this.getStringAttribute("arn");
  }
  get fullName() {
    return this.getStringAttribute("full_name");
  }
  get labels() {
    return this._labels;
  }
  get owners() {
    return this._owners;
  }
  synthesizeHclAttributes() {
    return {
      full_name: {
        value: cdktf.stringToHclTerraform(this._fullName),
        isBlock: false,
        type: "simple",
        storageClassType: "string",
      },
      enabled: {
        value: cdktf.booleanToHclTerraform(this._enabled),
        isBlock: false,
        type: "simple",
        storageClassType: "boolean",
      },
      subnets: {
        value: cdktf.listMapperHcl(cdktf.stringToHclTerraform, false)(this._subnets),
        isBlock: false,
        type: "set",
        storageClassType: "stringList",
      },
      part: {
        value: thingPartToHclTerraform(this._part.internalValue),
        isBlock: true,
        type: "list",
        storageClassType: "ThingPartList",
      },
    };
  }
}
Object.assign(exports, { Thing, ThingOwnersList, ThingOwnersOutputReference });

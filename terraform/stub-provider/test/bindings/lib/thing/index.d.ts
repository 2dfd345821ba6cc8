export interface ThingConfig extends cdktf.TerraformMetaArguments {
    readonly fullName: string;
    readonly enabled?: boolean;
    readonly subnets?: string[];
    readonly part: ThingPart;
}
export interface ThingPart {
    readonly partName: string;
    readonly hole?: ThingPartHole[];
}
export interface ThingPartHole {
    readonly depth: number;
}
